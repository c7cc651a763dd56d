/** epoll, eventfd, timerfd, signalfd (their man pages in section 2; sys/epoll.h and its kin). */

export const EPOLL_CLOEXEC = 0o2000000;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
export const EPOLLEXCLUSIVE = 0x1000_0000;
export const EPOLLWAKEUP = 0x2000_0000;
export const EPOLLONESHOT = 0x4000_0000;
export const EPOLLET = 0x8000_0000;

/** struct epoll_event: packed on x86_64 only. Bytes in all, and where the 64 bits of data are. */
export const EPOLL_EVENT: Readonly<Record<"x86_64" | "riscv64", { readonly size: number; readonly data: number }>> = {
  x86_64: { size: 12, data: 4 },
  riscv64: { size: 16, data: 8 },
};

export const EFD_SEMAPHORE = 1;
export const EFD_NONBLOCK = 0o4000;
export const EFD_CLOEXEC = 0o2000000;

export const TFD_TIMER_ABSTIME = 1;
export const TFD_TIMER_CANCEL_ON_SET = 2;
export const TFD_NONBLOCK = 0o4000;
export const TFD_CLOEXEC = 0o2000000;

export const SFD_NONBLOCK = 0o4000;
export const SFD_CLOEXEC = 0o2000000;
/** Bytes of struct signalfd_siginfo. */
export const SIGNALFD_SIGINFO_SIZE = 128;
