/** Stack, branches, flag instructions, and what is left of the user-mode integer set. */
import { BIAS } from "../../../mm/layout.ts";
import { Trap } from "../../core.ts";
import { type I32, type I64, i32, i64 } from "../../wasm/expr.ts";
import type { FunctionRef } from "../../wasm/module.ts";
import { sizeOfOperand } from "./arithmetic.ts";
import { CPUID_LEAVES } from "./cpuid.ts";
import { ARITHMETIC_FLAGS, CONDITIONS, type Definition, Flag, Reg, type Sem, type Size, wordOps } from "./sem.ts";

const rsp = (s: Sem): I64 => s.gpr(Reg.rsp, 8) as I64;
const setRsp = (s: Sem, value: I64): void => s.setGpr(Reg.rsp, 8, value);

function pushWord(s: Sem, size: Size, value: I64 | I32): void {
  const sp = s.f.let(i64.sub(rsp(s), i64.const(size)));
  const at = s.writable(sp, size);
  s.f.exec(size === 8 ? i64.store(at, value as I64, BIAS) : i32.store16(at, value as I32, BIAS));
  setRsp(s, sp);
}
/** The value on top of the stack; rsp stays. */
function topOfStack(s: Sem, size: Size): I64 | I32 {
  const at = s.readable(rsp(s), size);
  return s.f.let(size === 8 ? i64.load(at, BIAS) : i32.load16_u(at, BIAS)) as I64 | I32;
}

const push: Definition = (s) => pushWord(s, sizeOfOperand(s), s.read(0) as I64);

/** A memory destination based on rsp sees it incremented: the decoder has that in the displacement. */
const pop: Definition = (s) => {
  const size = sizeOfOperand(s);
  const value = topOfStack(s, size);
  s.prepareWrite(0);
  setRsp(s, i64.add(rsp(s), i64.const(size)));
  s.write(0, value);
};

const pushf: Definition = (s) => {
  const flags = i32.or(i32.or(s.flags.all(), s.flags.rest()), i32.const(0x202));
  const size = sizeOfOperand(s);
  pushWord(s, size, size === 8 ? i64.extend_i32_u(flags) : flags);
};
const TF = 0x100;
const CHANGEABLE = TF | Flag.DF | 0x4_0000 | 0x20_0000;
const popf: Definition = (s) => {
  const size = sizeOfOperand(s);
  const value = topOfStack(s, size);
  const low = s.f.let(size === 8 ? i32.wrap(value as I64) : (value as I32));
  setRsp(s, i64.add(rsp(s), i64.const(size)));
  s.flags.setAll(low);
  const mask = size === 8 ? CHANGEABLE : Flag.DF | TF;
  s.flags.setRest(i32.or(i32.and(s.flags.rest(), i32.const(~mask)), i32.and(low, i32.const(mask))));
  s.f.if(i32.and(low, i32.const(TF)), () => s.trapAfter(Trap.StepsAhead));
};

const leave: Definition = (s) => {
  const size = sizeOfOperand(s);
  const frame = s.gpr(Reg.rbp, 8) as I64;
  const at = s.readable(frame, size);
  const saved = s.f.let(size === 8 ? i64.load(at, BIAS) : i32.load16_u(at, BIAS));
  setRsp(s, i64.add(frame, i64.const(size)));
  s.setGpr(Reg.rbp, size, saved);
};

/** enter size, level: the nested frame pointers are copied for levels above 1 (Intel SDM vol. 2, "ENTER"). */
const enter: Definition = (s) => {
  const { f } = s;
  const bytes = i64.extend_i32_u(i32.and(s.imm(0), i32.const(0xffff)));
  const level = f.let(i32.and(s.imm(1), i32.const(31)));
  const frame = f.let(i64.sub(rsp(s), i64.const(8)));
  const rbp = s.gpr(Reg.rbp, 8) as I64;
  // All that may fault first: every slot that will be written, and every frame pointer that will be read.
  const depth = f.let(i64.mul(i64.extend_i32_u(level), i64.const(8)));
  const final = f.let(i64.sub(i64.sub(frame, depth), bytes));
  s.writable(final, 1);
  f.if(level, () => s.writable(i64.sub(frame, depth), 264));
  const at = s.writable(frame, 8);
  f.if(i32.gt_u(level, i32.const(1)), () => {
    const count = f.local("i32");
    f.set(count, i32.const(1));
    f.loop((again) => {
      const offset = f.let(i64.mul(i64.extend_i32_u(count), i64.const(8)));
      const value = f.let(i64.load(s.readable(i64.sub(rbp, offset), 8), BIAS));
      f.exec(i64.store(s.writable(i64.sub(frame, offset), 8), value, BIAS));
      f.set(count, i32.add(count, i32.const(1)));
      f.brIf(again, i32.lt_u(count, level));
    });
  });
  f.if(level, () => f.exec(i64.store(i32.wrap(i64.sub(frame, depth)), frame, BIAS)));
  f.exec(i64.store(at, rbp, BIAS));
  s.setGpr(Reg.rbp, 8, frame);
  setRsp(s, final);
};

const call: Definition = (s) => {
  if (s.operands[0]?.kind === "j") {
    pushWord(s, 8, s.nextRip());
    s.jump(0);
  } else {
    const target = s.read(0) as I64;
    s.checkTarget(target);
    pushWord(s, 8, s.nextRip());
    s.computed(target);
  }
};
const jmp: Definition = (s) => {
  if (s.operands[0]?.kind === "j") s.jump(0);
  else {
    const target = s.read(0) as I64;
    s.checkTarget(target);
    s.computed(target);
  }
};
const ret: Definition = (s) => {
  const target = topOfStack(s, 8) as I64;
  s.checkTarget(target);
  setRsp(s, i64.add(rsp(s), i64.const(8)));
  s.jump(target);
};
const retn: Definition = (s) => {
  const target = topOfStack(s, 8) as I64;
  s.checkTarget(target);
  const extra = i64.extend_i32_u(i32.and(s.imm(0), i32.const(0xffff)));
  setRsp(s, i64.add(i64.add(rsp(s), i64.const(8)), extra));
  s.jump(target);
};

function loop(also: ((s: Sem) => I32) | undefined): Definition {
  return (s) => {
    const left = s.f.let(i64.sub(s.gpr(Reg.rcx, 8) as I64, i64.const(1)));
    s.setGpr(Reg.rcx, 8, left);
    const again = i64.ne(left, i64.const(0));
    s.f.if(also === undefined ? again : i32.and(again, also(s)), () => s.jump(0));
  };
}
const jrcxz: Definition = (s) => s.f.if(i64.eqz(s.gpr(Reg.rcx, 8) as I64), () => s.jump(0));

const conditional: Record<string, Definition> = {};
CONDITIONS.forEach((name, code) => {
  conditional[`j${name}`] = (s) => s.f.if(s.flags.condition(code), () => s.jump(0));
});

const sahf: Definition = (s) => {
  const ah = i32.shr_u(s.gpr(Reg.rax, 2) as I32, i32.const(8));
  s.flags.update(ARITHMETIC_FLAGS & 0xff, ah);
};
const lahf: Definition = (s) => {
  const flags = i32.or(i32.and(s.flags.all(), i32.const(0xff)), i32.const(2));
  const al = s.gpr(Reg.rax, 1) as I32;
  s.setGpr(Reg.rax, 2, i32.or(al, i32.shl(flags, i32.const(8))));
};
const changeCarry =
  (value: (s: Sem) => I32): Definition =>
  (s) =>
    s.flags.update(Flag.CF, value(s));
const changeDirection =
  (value: number): Definition =>
  (s) =>
    s.flags.setRest(i32.or(i32.and(s.flags.rest(), i32.const(~Flag.DF)), i32.const(value)));

const xlat =
  (mask: bigint): Definition =>
  (s) => {
    const sum = i64.add(s.address(0), i64.extend_i32_u(s.gpr(Reg.rax, 1) as I32));
    const at = s.readable(mask === -1n ? sum : i64.and(sum, i64.const(mask)), 1);
    s.setGpr(Reg.rax, 1, i32.load8_u(at, BIAS));
  };

const syscall: Definition = (s) => {
  s.setGpr(Reg.rcx, 8, s.nextRip());
  const flags = i32.or(i32.or(s.flags.all(), s.flags.rest()), i32.const(0x202));
  s.setGpr(Reg.r11, 8, i64.extend_i32_u(flags));
  s.trapAfter(Trap.Syscall);
};

const cpuid: Definition = (s) => {
  const { f } = s;
  const leaf = s.gpr(Reg.rax, 4) as I32;
  const subleaf = s.gpr(Reg.rcx, 4) as I32;
  const set = (values: readonly number[]): void =>
    [Reg.rax, Reg.rbx, Reg.rcx, Reg.rdx].forEach((register, i) => {
      s.setGpr(register, 4, i32.const(values[i] as number));
    });
  f.block((end) => {
    for (const known of CPUID_LEAVES) {
      const right = i32.eq(leaf, i32.const(known.leaf));
      const asked = known.subleaf === undefined ? right : i32.and(right, i32.eq(subleaf, i32.const(known.subleaf)));
      f.if(asked, () => {
        set(known.values);
        f.br(end);
      });
    }
    set([0, 0, 0, 0]);
  });
};

/** Reading a segment register gives what Linux puts there for a 64-bit process. */
const SELECTORS = [0, 0x33, 0x2b, 0, 0, 0];
const movFromSegment: Definition = (s) => {
  const { f } = s;
  const value = f.local("i32");
  f.set(value, i32.const(0));
  const number = s.number(1);
  f.if(i32.gt_u(number, i32.const(5)), () => s.trap(Trap.IllegalInstruction));
  SELECTORS.forEach((selector, i) => {
    if (selector !== 0) f.if(i32.eq(number, i32.const(i)), () => f.set(value, i32.const(selector)));
  });
  const size = sizeOfOperand(s);
  s.write(0, size === 8 ? i64.extend_i32_u(value) : value);
};

const nop: Definition = () => {};
const privileged: Definition = (s) => s.trap(Trap.GeneralProtection);

/** `timestamp` () -> i64 is the time stamp counter. */
export function defineControl(timestamp: FunctionRef): Readonly<Record<string, Definition>> {
  const rdtsc: Definition = (s) => {
    const now = s.f.let(s.f.call("i64", timestamp, []));
    s.setGpr(Reg.rax, 4, i32.wrap(now));
    s.setGpr(Reg.rdx, 4, i32.wrap(i64.shr_u(now, i64.const(32))));
  };
  /** IA32_TSC_AUX holds node << 12 | processor under Linux, and there is but one. */
  const rdtscp: Definition = (s) => {
    rdtsc(s);
    s.setGpr(Reg.rcx, 4, i32.const(0));
  };
  return {
    push,
    pop,
    pushf,
    popf,
    leave,
    enter,
    call,
    jmp,
    ret,
    retn,
    loop: loop(undefined),
    loope: loop((s) => s.flags.condition(4)),
    loopne: loop((s) => s.flags.condition(5)),
    jrcxz,
    ...conditional,
    sahf,
    lahf,
    clc: changeCarry(() => i32.const(0)),
    stc: changeCarry(() => i32.const(1)),
    cmc: changeCarry((s) => i32.eqz(s.flags.carry())),
    cld: changeDirection(0),
    std: changeDirection(Flag.DF),
    xlat: xlat(-1n),
    xlat_a32: xlat(0xffff_ffffn),
    syscall,
    int3: (s) => s.trapAfter(Trap.Breakpoint),
    cpuid,
    rdtsc,
    rdtscp,
    mov_from_segment: movFromSegment,
    mov_to_segment: (s) => {
      const number = s.number(0);
      const none = i32.or(i32.gt_u(number, i32.const(5)), i32.eq(number, i32.const(1)));
      s.f.if(none, () => s.trap(Trap.IllegalInstruction)); // also cs
      // Null and the user data segment are what a 64-bit process may load; their bases are 0 and stay ours.
      const selector = s.f.let(i32.and(s.read(1) as I32, i32.const(0xffff)));
      s.f.if(i32.and(i32.gt_u(selector, i32.const(3)), i32.ne(selector, i32.const(0x2b))), () =>
        s.trap(Trap.GeneralProtection),
      );
    },
    nop,
    ud2: (s) => s.trap(Trap.IllegalInstruction),
    privileged,
    movnti: (s) => s.write(0, s.read(1)),
    popcnt: (s) => {
      const size = sizeOfOperand(s);
      const source = s.read(1);
      s.write(0, wordOps(size).popcnt(source));
      s.flags.setAll(i32.shl(size === 8 ? i64.eqz(source as I64) : i32.eqz(source as I32), i32.const(6)));
    },
  };
}
