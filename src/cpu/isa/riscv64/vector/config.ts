/** What sets vtype and vl (riscv-v-spec 1.0, chapter 6), and the control and status registers (chapter 3). */
import { CONTEXT_OFFSET } from "../../../../mm/layout.ts";
import { Trap } from "../../../core.ts";
import { type I32, type I64, i32, i64, select } from "../../../wasm/expr.ts";
import type { FunctionRef, ModuleBuilder } from "../../../wasm/module.ts";
import { V_USED, VectorUse, VILL, VL, VLENB, VSTART, VTYPE, VXRM, VXSAT } from "../context.ts";
import type { Definition, Sem } from "../sem.ts";
import { VectorCsr } from "../table.ts";
import { typeOf } from "./inline.ts";
import { c32, c64, lmulOf, loadState, maxElements, sewOf, storeState, ZERO } from "./kit.ts";

/** vstart has as many bits as it takes to name the elements of the largest group there is. */
const VSTART_BITS = c64(VLENB * 8 - 1);

/** (avl, vtype) -> vl */
function defineSet(m: ModuleBuilder): FunctionRef {
  return m.func("v.set", ["i64", "i64"], ["i64"], (f) => {
    const avl = f.param(0, "i64");
    const vtype = f.let(i32.wrap(f.param(1, "i64")));
    storeState(f, V_USED, c32(VectorUse.Used));
    storeState(f, VSTART, ZERO);
    const lmul = f.let(lmulOf(vtype));
    const sew = f.let(sewOf(vtype));
    // Elements are no wider than 64 bits, or than as much of them as the part of a register that a group is.
    const widest = i32.add(c32(3), select(i32.lt_s(lmul, ZERO), lmul, ZERO));
    const unknown = i64.ne(i64.shr_u(f.param(1, "i64"), c64(8)), c64(0));
    f.if(i32.or(i32.gt_s(sew, widest), unknown), () => {
      storeState(f, VTYPE, c32(VILL));
      storeState(f, VL, ZERO);
      f.return(c64(0));
    });
    const most = f.let(i64.extend_i32_u(maxElements(sew, lmul)));
    const vl = f.let(select(i64.lt_u(avl, most), avl, most));
    storeState(f, VTYPE, vtype);
    storeState(f, VL, i32.wrap(vl));
    f.return(vl);
  });
}

const wide = (v: I32): I64 => i64.extend_i32_u(v);
const { vstart, vxsat, vxrm, vcsr, vl, vtype, vlenb } = VectorCsr;

/** (number) -> value */
function defineRead(m: ModuleBuilder): FunctionRef {
  return m.func("v.csr_read", ["i32"], ["i64"], (f) => {
    const number = f.param(0, "i32");
    storeState(f, V_USED, c32(VectorUse.Used));
    const type = i32.load(ZERO, CONTEXT_OFFSET + VTYPE);
    const values: readonly (readonly [csr: number, value: I64])[] = [
      [vl, wide(loadState(VL))],
      [vlenb, c64(VLENB)],
      // What stands for vill is the highest bit here and there.
      [vtype, i64.or(i64.extend_i32_u(i32.and(type, c32(0xff))), i64.shl(wide(i32.shr_u(type, c32(31))), c64(63)))],
      [vstart, wide(loadState(VSTART))],
      [vxsat, wide(loadState(VXSAT))],
      [vxrm, wide(loadState(VXRM))],
    ];
    for (const [csr, value] of values) f.if(i32.eq(number, c32(csr)), () => f.return(value));
    f.return(wide(i32.or(i32.shl(loadState(VXRM), c32(1)), loadState(VXSAT))));
  });
}

/** (number, value): of one that may be written. */
function defineWrite(m: ModuleBuilder): FunctionRef {
  return m.func("v.csr_write", ["i32", "i64"], [], (f) => {
    const number = f.param(0, "i32");
    const value = f.let(i32.wrap(f.param(1, "i64")));
    f.if(i32.eq(number, c32(vstart)), () => storeState(f, VSTART, i32.wrap(i64.and(f.param(1, "i64"), VSTART_BITS))));
    f.if(i32.or(i32.eq(number, c32(vxsat)), i32.eq(number, c32(vcsr))), () =>
      storeState(f, VXSAT, i32.and(value, c32(1))),
    );
    f.if(i32.eq(number, c32(vxrm)), () => storeState(f, VXRM, i32.and(value, c32(3))));
    f.if(i32.eq(number, c32(vcsr)), () => storeState(f, VXRM, i32.and(i32.shr_u(value, c32(1)), c32(3))));
  });
}

type Change = (old: I64, value: I64) => I64;
const CHANGES: Readonly<Record<string, Change>> = {
  vcsrrw: (_old, value) => value,
  vcsrrs: i64.or,
  vcsrrc: (old, value) => i64.and(old, i64.xor(value, c64(-1))),
};

export function defineConfig(m: ModuleBuilder): Record<string, Definition> {
  const set = defineSet(m);
  const read = defineRead(m);
  const write = defineWrite(m);
  const all: Record<string, Definition> = {};
  /** Of x0 as rs1: as many elements as there can be, or, if the result is of no interest either, as there are. */
  const requested = (s: Sem): I64 => {
    const rd = i32.and(s.imm32(), c32(31 << 7));
    return select(s.rs1Number(), s.x("rs1"), select(rd, c64(-1), wide(loadState(VL))));
  };
  const checkUse = (s: Sem): void =>
    s.f.if(i32.eq(loadState(V_USED), c32(VectorUse.Forbidden)), () => s.trap(Trap.IllegalInstruction));
  const setTo = (s: Sem, avl: I64, type: I64): void => {
    const known = type.constant === undefined ? undefined : typeOf(Number(type.constant));
    if (known === undefined) {
      s.setX(s.f.call("i64", set, [avl, type]));
      return;
    }
    const { f } = s;
    const [wanted, most] = [f.let(avl), c64(known.most)];
    const vl = f.let(select(i64.lt_u(wanted, most), wanted, most));
    storeState(f, V_USED, c32(VectorUse.Used));
    // And vstart.
    f.exec(i64.store(ZERO, type, CONTEXT_OFFSET + VTYPE));
    storeState(f, VL, i32.wrap(vl));
    s.setX(vl);
  };
  all["vsetvli"] = (s) => {
    checkUse(s);
    setTo(s, requested(s), wide(i32.and(i32.shr_u(s.imm32(), c32(20)), c32(0x7ff))));
  };
  all["vsetivli"] = (s) => {
    checkUse(s);
    setTo(s, wide(s.rs1Number()), wide(i32.and(i32.shr_u(s.imm32(), c32(20)), c32(0x3ff))));
  };
  all["vsetvl"] = (s) => {
    checkUse(s);
    s.setX(s.f.call("i64", set, [requested(s), s.x("rs2")]));
  };
  for (const [name, change] of Object.entries(CHANGES)) {
    const definition =
      (isImmediate: boolean): Definition =>
      (s) => {
        const { f } = s;
        checkUse(s);
        const number = f.let(s.imm32());
        const source = f.let(s.rs1Number());
        const value = isImmediate ? wide(source) : s.x("rs1");
        const writes = name === "vcsrrw" ? c32(1) : source;
        f.if(writes, () => f.if(i32.ge_u(number, c32(vl)), () => s.trap(Trap.IllegalInstruction)));
        const old = f.let(f.call("i64", read, [number]));
        f.if(writes, () => void f.callStatement(write, [number, change(old, value)]));
        s.setX(old);
      };
    all[name] = definition(false);
    all[`${name}i`] = definition(true);
  }
  return all;
}

/** Mnemonics that the decoder makes of CSR instructions. */
export const CSR_ALIASES: readonly string[] = Object.keys(CHANGES).flatMap((name) => [name, `${name}i`]);
