/*
 * Runs cases on a riscv64 processor (qemu-riscv64, for want of one) and says what each did. Without libc: only the
 * compiler is needed.
 *
 * Each case ends in a signal, mostly that of the ebreak behind its code. The handler stores the state that it finds in the
 * signal frame, and puts the next case's there. Input on fd 0, output on fd 1: protocol.ts has the layouts.
 */
typedef unsigned long u64;
typedef unsigned int u32;

#define CODE 0x10000000UL
#define DATA 0x20000000UL
#define PAGE 4096UL
#define DATA_SIZE (3 * PAGE)
#define WRITABLE (2 * PAGE)
#define MAX_DIRTY 24

struct vectors { u64 vl, vtype, vstart, vcsr; unsigned char v[512]; };
struct input { u64 pc, x[32], f[32]; u32 fcsr, pad; struct vectors v; };
struct output {
	u32 signal, dirty_count;
	u64 pc, address, x[32], f[32];
	u32 fcsr, pad;
	struct vectors v;
	struct { u64 offset, value; } dirty[MAX_DIRTY];
};
struct sigcontext { u64 pc, x[31], f[32]; u32 fcsr; };
struct ucontext {
	u64 flags;
	struct ucontext *link;
	struct { void *sp; int flags; u64 size; } stack;
	u64 mask, unused[15];
	struct sigcontext mcontext __attribute__((aligned(16)));
};

static long call(long n, long a, long b, long c, long d, long e, long f)
{
	register long a0 asm("a0") = a, a1 asm("a1") = b, a2 asm("a2") = c, a3 asm("a3") = d, a4 asm("a4") = e, a5 asm("a5") = f;
	register long a7 asm("a7") = n;
	asm volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7) : "memory");
	return a0;
}
enum { SYS_read = 63, SYS_write = 64, SYS_exit = 94, SYS_kill = 129, SYS_sigaltstack = 132, SYS_sigaction = 134,
       SYS_getpid = 172, SYS_mmap = 222, SYS_mprotect = 226, SYS_flush_icache = 259 };

static u32 count, done;
static struct input *inputs;
static struct output *outputs;
static u64 pattern[DATA_SIZE / 8];
static char stack[1 << 16] __attribute__((aligned(16)));

static void fail(int code) { call(SYS_exit, code, 0, 0, 0, 0, 0); }
static void need(void *to, u64 size)
{
	for (u64 got = 0; got < size;) {
		long n = call(SYS_read, 0, (long)to + got, size - got, 0, 0, 0);
		if (n <= 0) fail(2);
		got += n;
	}
}
static void *map(u64 address, u64 size)
{
	long at = call(SYS_mmap, address, size, 3, address ? 0x32 : 0x22, -1, 0);
	if (at < 0 && at > -4096) fail(3);
	return (void *)at;
}

static void finish(void)
{
	u64 size = count * sizeof *outputs;
	for (u64 put = 0; put < size;) {
		long n = call(SYS_write, 1, (long)outputs + put, size - put, 0, 0, 0);
		if (n <= 0) fail(4);
		put += n;
	}
	fail(0);
}

/* The handler finds the vector registers as they are, and leaves them so: the frame has none of them in qemu 7.2. */
#define WITH_V ".option push\n .option arch, +v\n"
static void save_vectors(struct vectors *s)
{
	asm volatile(WITH_V "csrr %0, vl\n csrr %1, vtype\n csrr %2, vstart\n csrr %3, vcsr\n .option pop"
		     : "=r"(s->vl), "=r"(s->vtype), "=r"(s->vstart), "=r"(s->vcsr));
	asm volatile(WITH_V "csrw vstart, zero\n vs8r.v v0, (%0)\n vs8r.v v8, (%1)\n vs8r.v v16, (%2)\n vs8r.v v24, (%3)\n .option pop"
		     : : "r"(s->v), "r"(s->v + 128), "r"(s->v + 256), "r"(s->v + 384) : "memory");
}
static void load_vectors(struct vectors *s)
{
	asm volatile(WITH_V "csrw vstart, zero\n vl8re8.v v0, (%0)\n vl8re8.v v8, (%1)\n vl8re8.v v16, (%2)\n vl8re8.v v24, (%3)\n .option pop"
		     : : "r"(s->v), "r"(s->v + 128), "r"(s->v + 256), "r"(s->v + 384) : "memory");
	asm volatile(WITH_V "vsetvl zero, %0, %1\n csrw vstart, %2\n csrw vcsr, %3\n .option pop"
		     : : "r"(s->vl), "r"(s->vtype), "r"(s->vstart), "r"(s->vcsr));
}

static void load(struct sigcontext *s)
{
	struct input *in = &inputs[done];
	if (done == count) finish();
	s->pc = in->pc;
	for (int i = 1; i < 32; i++) s->x[i - 1] = in->x[i];
	for (int i = 0; i < 32; i++) s->f[i] = in->f[i];
	s->fcsr = in->fcsr;
	load_vectors(&in->v);
	/* Ends a reservation that a case may have left. */
	u64 word;
	asm volatile("sc.d %0, zero, (%1)" : "=&r"(word) : "r"(&word) : "memory");
}

static void on_signal(int signal, char *info, struct ucontext *uc)
{
	struct sigcontext *s = &uc->mcontext;
	if (signal != 10) {
		struct output *out = &outputs[done++];
		save_vectors(&out->v);
		out->signal = signal;
		out->pc = s->pc;
		out->address = signal == 11 || signal == 7 ? *(u64 *)(info + 16) : 0;
		for (int i = 1; i < 32; i++) out->x[i] = s->x[i - 1];
		for (int i = 0; i < 32; i++) out->f[i] = s->f[i];
		out->fcsr = s->fcsr;
		volatile u64 *data = (u64 *)DATA;
		for (u64 i = 0; i < WRITABLE / 8; i++)
			if (data[i] != pattern[i]) {
				if (out->dirty_count < MAX_DIRTY) {
					out->dirty[out->dirty_count].offset = i * 8;
					out->dirty[out->dirty_count++].value = data[i];
				}
				data[i] = pattern[i];
			}
	}
	load(s);
}

void start(void)
{
	static const int signals[] = {4, 5, 7, 8, 10, 11};
	u32 head[2];
	need(head, sizeof head);
	count = head[0];
	inputs = map(0, count * sizeof *inputs);
	outputs = map(0, count * sizeof *outputs);
	u64 *code = map(CODE, head[1]);
	u64 *data = map(DATA, DATA_SIZE);
	need(code, head[1]);
	need(pattern, sizeof pattern);
	need(inputs, count * sizeof *inputs);
	for (u64 i = 0; i < DATA_SIZE / 8; i++) data[i] = pattern[i];
	call(SYS_mprotect, CODE, head[1], 5, 0, 0, 0);
	call(SYS_mprotect, DATA + WRITABLE, PAGE, 1, 0, 0, 0);
	struct { void *sp; int flags; u64 size; } ss = {stack, 0, sizeof stack};
	call(SYS_sigaltstack, (long)&ss, 0, 0, 0, 0, 0);
	struct { void *handler; u64 flags, mask; } sa = {on_signal, 0x08000004, ~0UL};
	for (int i = 0; i < 6; i++) call(SYS_sigaction, signals[i], (long)&sa, 0, 8, 0, 0);
	call(SYS_kill, call(SYS_getpid, 0, 0, 0, 0, 0, 0), 10, 0, 0, 0, 0);
	for (;;);
}
asm(".globl _start\n_start:\n .option push\n .option norelax\n la gp, __global_pointer$\n .option pop\n andi sp, sp, -16\n call start\n");
