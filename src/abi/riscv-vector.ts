/** Vectors in Linux's ABI on riscv64 (asm/sigcontext.h, asm/ptrace.h, linux/prctl.h). */

/** In the signal frame: struct __riscv_ctx_hdr before the state. */
export const RISCV_V_MAGIC = 0x5346_5457;

/** PR_RISCV_V_SET_CONTROL: two bits for now, two for after exec, and whether those stay. */
export const PR_RISCV_V_VSTATE_CTRL_DEFAULT = 0;
export const PR_RISCV_V_VSTATE_CTRL_OFF = 1;
export const PR_RISCV_V_VSTATE_CTRL_ON = 2;
export const PR_RISCV_V_VSTATE_CTRL_INHERIT = 0x10;
export const PR_RISCV_V_VSTATE_CTRL_MASK = 0x1f;
