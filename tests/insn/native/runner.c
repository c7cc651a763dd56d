/*
 * Runs instruction test cases on the real CPU.
 *
 * A case is a whole user-mode register state, some code and some data. The runner never loads or saves a register
 * itself: the kernel does, by signals. Every case ends in one, at the latest at the int3 that follows its code; the
 * handler finds the result in the signal frame, writes the next case's state into the same frame and returns, and
 * sigreturn(2) loads it all at once. So a case costs one signal (about 2 us), nothing of the runner's own state can
 * leak into it, and faults need no special treatment.
 *
 * The layouts of cases and results are those of protocol.ts; the memory map is passed in argv, so that it has one home:
 *   runner CODE CODE_SIZE DATA DATA_SIZE READONLY READONLY_SIZE FS_BASE GS_BASE
 * The data region is restored to a fixed pattern, overlaid by the case's window, before each case.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

/*
 * The vector state of a case is the 512 bytes of FXSAVE and then the upper halves of ymm0 to ymm15, which are at the same
 * distance in the kernel's frame on every CPU (Intel SDM vol. 1, 13.4.2: standard format, component 2).
 */
enum { HAS_FX = 1, LEGACY_SIZE = 512, HIGH_SIZE = 256, FX_SIZE = LEGACY_SIZE + HIGH_SIZE, HIGH = 576, BUFFER = 1 << 20, RECORD_MAX = 1 << 16 };
/* The flags that a case may set: CF PF AF ZF SF DF OF. The kernel restores no others, or restoring them would stop us. */
enum { CASE_FLAGS = 0xcd5 };

struct test_case {
	uint32_t length, kind, code_address;
	uint16_t code_length, window_length;
	uint32_t window_offset, reserved;
	uint64_t gpr[16], rflags;
	unsigned char rest[]; /* fx image if HAS_FX, code, window; each padded to 8 */
};

struct result {
	uint32_t length, trap, error, signal;
	uint64_t cr2, gpr[16], rflags, rip;
	uint32_t dirty_start, dirty_length;
	unsigned char rest[]; /* fx image if HAS_FX, the dirty bytes; each padded to 8 */
};

static const int GREG[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                             REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static unsigned char input[BUFFER], output[BUFFER];
static size_t in_start, in_end, out_end;
static unsigned char *code, *code_writable, *data, *image, *pattern;
static size_t code_size, data_size;
static struct test_case current;
static uint64_t done;

/*
 * System calls without libc: the FS base is the case's while the handler runs, so nothing here may touch TLS (errno).
 */
static long sys3(long n, long a, long b, long c)
{
	long r;
	__asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return r;
}

static void fail(const char *why)
{
	sys3(SYS_write, 2, (long)why, (long)strlen(why));
	sys3(SYS_exit_group, 2, 0, 0);
}

static void flush(void)
{
	for (size_t i = 0; i < out_end;) {
		long n = sys3(SYS_write, 1, (long)(output + i), (long)(out_end - i));
		if (n == -4) continue;
		if (n <= 0) fail("runner: cannot write results\n");
		i += (size_t)n;
	}
	out_end = 0;
}

/* The next `n` bytes of input, or 0 at its end. Results are flushed before a read that may block. */
static unsigned char *need(size_t n)
{
	if (in_end - in_start >= n) return input + in_start;
	memmove(input, input + in_start, in_end - in_start);
	in_end -= in_start;
	in_start = 0;
	while (in_end < n) {
		flush();
		long got = sys3(SYS_read, 0, (long)(input + in_end), (long)(BUFFER - in_end));
		if (got == -4) continue;
		if (got < 0) fail("runner: cannot read cases\n");
		if (got == 0) {
			if (in_end != 0) fail("runner: a case is cut short\n");
			return 0;
		}
		in_end += (size_t)got;
	}
	return input;
}

static size_t pad8(size_t n) { return (n + 7) & ~(size_t)7; }

enum { X87 = 1, SSE = 2, AVX = 4 };

/* Whether the kernel's frame has XSAVE's parts behind FXSAVE's (FP_XSTATE_MAGIC1), among them AVX's. */
static int has_high(const unsigned char *state)
{
	return *(const uint32_t *)(state + 464) == 0x46505853 && (*(const uint64_t *)(state + 472) & AVX);
}

/* XSTATE_BV: the components that are not in their initial state. */
static uint64_t *components(unsigned char *state) { return (uint64_t *)(state + LEGACY_SIZE); }

static void save(int signal, ucontext_t *uc)
{
	greg_t *g = uc->uc_mcontext.gregs;
	struct result *r = (struct result *)(output + out_end);
	unsigned char *p = r->rest;
	r->trap = (uint32_t)g[REG_TRAPNO];
	r->error = (uint32_t)g[REG_ERR];
	r->signal = (uint32_t)signal;
	r->cr2 = r->trap == 14 ? (uint64_t)g[REG_CR2] : 0;
	for (int i = 0; i < 16; i++) r->gpr[i] = (uint64_t)g[GREG[i]];
	r->rflags = (uint64_t)g[REG_EFL] & CASE_FLAGS;
	r->rip = (uint64_t)g[REG_RIP];
	if (current.kind & HAS_FX) {
		unsigned char *state = (unsigned char *)uc->uc_mcontext.fpregs;
		memcpy(p, state, LEGACY_SIZE);
		if (has_high(state) && (*components(state) & AVX))
			memcpy(p + LEGACY_SIZE, state + HIGH, HIGH_SIZE);
		else
			memset(p + LEGACY_SIZE, 0, HIGH_SIZE);
		p += FX_SIZE;
	}
	size_t first = 0, last = data_size;
	if (memcmp(data, image, data_size) == 0) {
		first = last = data_size;
	} else {
		while (data[first] == image[first]) first++;
		while (data[last - 1] == image[last - 1]) last--;
	}
	r->dirty_start = (uint32_t)first;
	r->dirty_length = (uint32_t)(last - first);
	memcpy(p, data + first, last - first);
	p += pad8(last - first);
	r->length = (uint32_t)(p - (unsigned char *)r);
	out_end += r->length;
	if (out_end > BUFFER - RECORD_MAX) flush();
	memset(code_writable + (current.code_address - (uintptr_t)code), 0xcc, current.code_length);
	memcpy(image + current.window_offset, pattern + current.window_offset, current.window_length);
	done++;
}

static void load(ucontext_t *uc)
{
	unsigned char *head = need(sizeof(struct test_case));
	if (head == 0) {
		flush();
		sys3(SYS_exit_group, 0, 0, 0);
	}
	uint32_t length = ((struct test_case *)head)->length;
	if (length < sizeof(struct test_case) || length > RECORD_MAX) fail("runner: bad length of a case\n");
	struct test_case *c = (struct test_case *)need(length);
	unsigned char *p = c->rest;
	greg_t *g = uc->uc_mcontext.gregs;
	in_start += length;
	current = *c;
	if (c->code_address < (uintptr_t)code || c->code_address + c->code_length >= (uintptr_t)code + code_size)
		fail("runner: code is outside of its region\n");
	if ((size_t)c->window_offset + c->window_length > data_size) fail("runner: window is outside of its region\n");
	for (int i = 0; i < 16; i++) g[GREG[i]] = (greg_t)c->gpr[i];
	g[REG_EFL] = (greg_t)((c->rflags & CASE_FLAGS) | 0x202);
	g[REG_RIP] = (greg_t)c->code_address;
	if (c->kind & HAS_FX) {
		/* Up to the software-reserved bytes at 464, which tell the kernel how long its frame is. */
		unsigned char *state = (unsigned char *)uc->uc_mcontext.fpregs;
		memcpy(state, p, 464);
		if (has_high(state)) {
			*components(state) |= X87 | SSE | AVX;
			memcpy(state + HIGH, p + LEGACY_SIZE, HIGH_SIZE);
		}
		p += FX_SIZE;
	}
	memcpy(code_writable + (c->code_address - (uintptr_t)code), p, c->code_length);
	p += pad8(c->code_length);
	memcpy(image + c->window_offset, p, c->window_length);
	memcpy(data, image, data_size);
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
	(void)info;
	save(signal, context);
	load(context);
}

static void on_start(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	load(context);
}

/* A case that does not end is a mistake of the generator: name it. The timer counts time in user mode only. */
static void on_alarm(int signal, siginfo_t *info, void *context)
{
	static uint64_t before = ~(uint64_t)0;
	(void)signal;
	(void)info;
	(void)context;
	if (before != done) {
		before = done;
		return;
	}
	char line[64];
	size_t n = 0;
	uint64_t v = done;
	char digits[24];
	do digits[n++] = (char)('0' + v % 10), v /= 10;
	while (v);
	memcpy(line, "hang ", 5);
	for (size_t i = 0; i < n; i++) line[5 + i] = digits[n - 1 - i];
	line[5 + n] = '\n';
	sys3(SYS_write, 2, (long)line, (long)(n + 6));
	sys3(SYS_exit_group, 3, 0, 0);
}

/* Of the file `fd`, shared, or anonymous memory if that is -1. */
static void *map(const char *address, size_t size, int protection, int fd)
{
	void *at = (void *)strtoul(address, 0, 0);
	int flags = MAP_FIXED_NOREPLACE | (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED);
	void *got = mmap(at, size, protection, flags, fd, 0);
	if (got != at) {
		perror("runner: mmap");
		exit(2);
	}
	return got;
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction sa = {0};
	sa.sa_sigaction = handler;
	sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
	sigfillset(&sa.sa_mask);
	sigaction(signal, &sa, 0);
}

int main(int argc, char **argv)
{
	static unsigned char stack[1 << 17];
	static const int TRAPS[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
	if (argc != 9) {
		fprintf(stderr, "usage: runner CODE SIZE DATA SIZE READONLY SIZE FS_BASE GS_BASE\n");
		return 2;
	}
	code_size = strtoul(argv[2], 0, 0);
	data_size = strtoul(argv[4], 0, 0);
	size_t readonly_size = strtoul(argv[6], 0, 0);
	/* A case may not write to its code, but the runner must: two views of the same memory. */
	int fd = (int)syscall(SYS_memfd_create, "code", 0);
	if (fd < 0 || ftruncate(fd, (off_t)code_size) != 0) {
		perror("runner: memfd");
		return 2;
	}
	code = map(argv[1], code_size, PROT_READ | PROT_EXEC, fd);
	code_writable = mmap(0, code_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (code_writable == MAP_FAILED) {
		perror("runner: mmap");
		return 2;
	}
	data = map(argv[3], data_size, PROT_READ | PROT_WRITE, -1);
	unsigned char *readonly = map(argv[5], readonly_size, PROT_READ | PROT_WRITE, -1);
	image = malloc(data_size);
	pattern = malloc(data_size);
	memset(code_writable, 0xcc, code_size);
	/* The pattern is the input's first bytes: data, then read-only. */
	unsigned char *p = need(data_size + readonly_size);
	if (p == 0) return 0;
	memcpy(pattern, p, data_size);
	memcpy(image, p, data_size);
	memcpy(readonly, p + data_size, readonly_size);
	in_start += data_size + readonly_size;
	mprotect(readonly, readonly_size, PROT_READ);

	stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};
	sigaltstack(&ss, 0);
	for (size_t i = 0; i < sizeof TRAPS / sizeof *TRAPS; i++) handle(TRAPS[i], on_signal);
	handle(SIGVTALRM, on_alarm);
	handle(SIGUSR1, on_start);
	struct itimerval every = {{2, 0}, {2, 0}};
	setitimer(ITIMER_VIRTUAL, &every, 0);
	/* From here on without libc. */
	sys3(SYS_arch_prctl, 0x1001, (long)strtoul(argv[8], 0, 0), 0); /* ARCH_SET_GS */
	long pid = sys3(SYS_getpid, 0, 0, 0);
	unsigned long fs = strtoul(argv[7], 0, 0);
	sys3(SYS_arch_prctl, 0x1002, (long)fs, 0); /* ARCH_SET_FS */
	sys3(SYS_kill, pid, SIGUSR1, 0);
	for (;;) sys3(SYS_pause, 0, 0, 0);
}
