// Pages that change between writable and executable, code that is replaced by mappings, and calls of what is not code.
#include "hostile.h"

static u8 *function(u8 *page, u32 value) {
  u8 *at = page;
  EMIT(at, "\xb8");
  emit32(&at, value);
  EMIT(at, "\xc3");
  return page;
}

static void flips(void) {
  u8 *page = map(0x11000000, 2 * PAGE, RW);
  u64 sum = 0;
  for (u32 i = 0; i < 4000; i++) {
    protect(page, PAGE, RW);
    function(page + (i & 15) * 8, i);
    protect(page, PAGE, RX);
    for (u32 k = 0; k < 3; k++) sum = sum * 5 + ((code)(page + (i & 15) * 8))(0, 0);
  }
  printf("flips %llx\n", (unsigned long long)sum);
}

static void write_to_executable(void) {
  u8 *page = map(0x11010000, PAGE, RW);
  function(page, 5);
  protect(page, PAGE, RX);
  u64 sum = 0;
  for (int i = 0; i < 2000; i++) sum += ((code)page)(0, 0);
  for (int i = 0; i < 300; i++) {
    if (sigsetjmp(out, 1) == 0) {
      *(volatile u32 *)(page + 1) = 77;
      printf("it was written\n");
    }
  }
  printf("write to executable %llu, %d faults, code %d err %llx at %llx, still %llu\n", (unsigned long long)sum, seen.count,
         seen.code, (unsigned long long)seen.err, (unsigned long long)seen.address, (unsigned long long)((code)page)(0, 0));
}

static void call_data(void) {
  u8 *page = map(0x11020000, PAGE, RWX);
  function(page, 9);
  u64 sum = 0;
  for (int i = 0; i < 2000; i++) sum += ((code)page)(0, 0);
  protect(page, PAGE, RW);
  seen.count = 0;
  for (int i = 0; i < 300; i++)
    if (sigsetjmp(out, 1) == 0) sum += ((code)page)(0, 0) * 1000;
  show("call data", (u64)page);
  printf("%llu, %d faults\n", (unsigned long long)sum, seen.count);
}

// The caller is hot as well, and stays as it is: it must find out.
static NOINLINE u64 many(code f, u64 n) {
  u64 sum = 0;
  for (u64 i = 0; i < n; i++) sum = sum * 3 + f(i, 0);
  return sum;
}
static void hot_caller(void) {
  u8 *page = map(0x11028000, PAGE, RWX);
  function(page, 9);
  u64 sum = 0;
  int wrong = 0;
  for (int round = 0; round < 6; round++) {
    sum = sum * 5 + many((code)page, 60000);
    protect(page, PAGE, round & 1 ? RW : PROT_READ);
    for (int i = 0; i < 40; i++) {
      seen.count = 0;
      if (sigsetjmp(out, 1) == 0) sum += many((code)page, 100);
      wrong += seen.count != 1 || seen.address != (u64)page || seen.rip != (u64)page;
    }
    protect(page, PAGE, RX);
  }
  show("hot caller", (u64)page);
  printf("%llx, %d wrong\n", (unsigned long long)sum, wrong);
}

static void call_unmapped(void) {
  u8 *page = map(0x11030000, 2 * PAGE, RWX);
  function(page + PAGE - 3, 11); // across the border
  u64 sum = 0;
  for (int i = 0; i < 2000; i++) sum += ((code)(page + PAGE - 3))(0, 0);
  munmap(page + PAGE, PAGE);
  seen.count = 0;
  for (int i = 0; i < 300; i++)
    if (sigsetjmp(out, 1) == 0) sum += ((code)(page + PAGE - 3))(0, 0) * 1000;
  show("second page unmapped", (u64)page + PAGE - 3);
  munmap(page, PAGE);
  for (int i = 0; i < 300; i++)
    if (sigsetjmp(out, 1) == 0) sum += ((code)(page + PAGE - 3))(0, 0) * 1000;
  show("both pages unmapped", (u64)page + PAGE - 3);
  // The frame of the call is there: the return address is on the stack.
  printf("%llu, %d faults, rsp %% 16 = %llu\n", (unsigned long long)sum, seen.count, (unsigned long long)(seen.rsp & 15));
}

static void replaced(void) {
  u64 sum = 0;
  for (u32 i = 0; i < 1500; i++) {
    u8 *page = map(0x11040000, PAGE, RWX); // zeros again
    if (page[0] != 0) printf("not zero\n");
    function(page, i);
    sum = sum * 3 + ((code)page)(0, 0);
  }
  printf("replaced %llx\n", (unsigned long long)sum);
}

static void moved(void) {
  u64 sum = 0;
  u8 *page = map(0x11050000, PAGE, RWX);
  function(page, 1234);
  for (u32 i = 0; i < 1000; i++) {
    sum = sum * 3 + ((code)page)(0, 0);
    u8 *to = (u8 *)(0x11050000 + ((u64)(i & 7) + 1) * PAGE);
    if (to == page) continue;
    page = mremap(page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    if (page == MAP_FAILED) exit(98);
    *(volatile u32 *)(page + 1) += 3;
  }
  printf("moved %llx\n", (unsigned long long)sum);
}

// MADV_DONTNEED takes the code away: zeros are add %al, (%rax), and run on into the next page.
static void dropped(void) {
  u8 *page = map(0x11060000, 2 * PAGE, RWX);
  u64 sum = 0;
  protect(page + PAGE, PAGE, PROT_NONE);
  for (int i = 0; i < 200; i++) {
    function(page, (u32)i);
    sum = sum * 3 + ((code)page)(0, 0);
    madvise(page, PAGE, MADV_DONTNEED);
    static u8 cell[16];
    seen.count = 0;
    if (sigsetjmp(out, 1) == 0) {
      u64 rax = (u64)cell;
      __asm__ volatile("call *%1" : "+a"(rax) : "r"(page) : "memory", "cc");
    }
    sum = sum * 3 + (u64)seen.count;
  }
  show("dropped", (u64)page);
  printf("%llx\n", (unsigned long long)sum);
}

int main(void) {
  on(SIGSEGV, leave, 0);
  flips();
  write_to_executable();
  call_data();
  hot_caller();
  call_unmapped();
  replaced();
  moved();
  dropped();
  return 0;
}
