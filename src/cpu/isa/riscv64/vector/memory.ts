/**
 * Vector loads and stores (riscv-v-spec 1.0, chapter 7).
 *
 * Element by element, and of segments field by field, in order; each access asks the page table. Where one may not be made, vstart
 * is the element's number and the function returns FAULT, with the address in the context: whoever called has the fault raised
 * there (in translated code, by the interpreter, which executes the instruction again, from vstart on). A load that only
 * faults at its first element ends there instead, with a smaller vl; as it may do so whenever it likes, it does not ask the
 * kernel for a page that is not there yet.
 *
 * Unit-stride accesses without a mask, which most are, check the one or two pages they touch at once and move 16 bytes at a time.
 */
import { BIAS, CONTEXT_OFFSET, PAGE_SHIFT, PAGE_TABLE, PageBits } from "../../../../mm/layout.ts";
import { Trap } from "../../../core.ts";
import { type I32, type I64, i32, i64, select, v128 } from "../../../wasm/expr.ts";
import type { FunctionBuilder, FunctionRef, Local, ModuleBuilder } from "../../../wasm/module.ts";
import { bits, i8x16 } from "../../../wasm/simd.ts";
import { V_FAULT, VL, VLENB, VSTART, VTYPE } from "../context.ts";
import type { Definition } from "../sem.ts";
import { moveInRow } from "./inline.ts";
import {
  c32,
  c64,
  DONE,
  Elements,
  fieldsOf,
  forEach,
  lmulOf,
  loadState,
  REGISTERS,
  sewOf,
  storeState,
  type Word,
  ZERO,
} from "./kit.ts";
import { checkType, groupSize, overlap, refuseIf, refuseUnaligned, useVectors } from "./rules.ts";
import { WHOLE, WIDTHS } from "./table.ts";

const FAULT = c32(2);
/** Each byte its own number. */
const IOTA = v128.const(0x0706_0504_0302_0100n, 0x0f0e_0d0c_0b0a_0908n);

interface Direction {
  readonly store: boolean;
  readonly bit: number;
}
const LOAD: Direction = { store: false, bit: PageBits.Read };
const STORE: Direction = { store: true, bit: PageBits.Write };

const pageAt = (low: I32): I32 => i32.load8_u(i32.shr_u(low, c32(PAGE_SHIFT)), PAGE_TABLE);
/** Whether so many bytes, less than a page, may be accessed. Uses its operands more than once. */
function allowed(address: I64, bytes: I32, { bit }: Direction): I32 {
  const low = i32.wrap(address);
  const pages = i32.and(pageAt(low), pageAt(i32.add(low, i32.sub(bytes, c32(1)))));
  const near = i64.eqz(i64.shr_u(address, c64(32)));
  return select(near, i32.and(pages, c32(bit)), ZERO);
}

/** One element between a register and memory: its place in the register is from REGISTERS. */
function move(f: FunctionBuilder, size: I32, place: I32, low: I32, { store }: Direction): void {
  const ops = [
    [i64.load8_u, i64.store8],
    [i64.load16_u, i64.store16],
    [i64.load32_u, i64.store32],
    [i64.load, i64.store],
  ] as const;
  const from = (i: number): void => {
    const [load, save] = ops[i] as (typeof ops)[0];
    const body = (): void =>
      store ? f.exec(save(low, load(place, REGISTERS), BIAS)) : f.exec(save(place, load(low, BIAS), REGISTERS));
    if (i === 3) body();
    else f.if(i32.eq(size, c32(i)), body, () => from(i + 1));
  };
  from(0);
}

/** The two functions that an element needs. */
interface Access {
  /** (address, log2 of the bytes, register's place) -> 0, or FAULT if it is not allowed. */
  readonly move: FunctionRef;
  /** (address): stores V_FAULT, the first byte that may not be accessed. Returns FAULT. */
  readonly fault: FunctionRef;
}

function defineAccess(m: ModuleBuilder, name: string, direction: Direction): Access {
  const fault = m.func(`v.${name}_fault`, ["i64"], ["i32"], (f) => {
    const address = f.param(0, "i64");
    const where = f.local("i64");
    f.set(where, address);
    // The page where it begins may do: then it is the next.
    f.if(i64.eqz(i64.shr_u(address, c64(32))), () =>
      f.if(i32.and(pageAt(i32.wrap(address)), c32(direction.bit)), () =>
        f.set(where, i64.add(i64.and(address, c64(-4096)), c64(4096))),
      ),
    );
    f.exec(i64.store(ZERO, where, CONTEXT_OFFSET + V_FAULT));
    f.return(FAULT);
  });
  const moveOne = m.func(`v.${name}_element`, ["i64", "i32", "i32"], ["i32"], (f) => {
    const address = f.param(0, "i64");
    const size = f.param(1, "i32");
    const bytes = f.let(i32.shl(c32(1), size));
    f.if(i32.eqz(allowed(address, bytes, direction)), () => f.return(f.call("i32", fault, [address])));
    move(f, size, f.param(2, "i32"), f.let(i32.wrap(address)), direction);
    f.return(ZERO);
  });
  return { move: moveOne, fault };
}

/** nf + 1 */
const fieldsIn = (word: I32): I32 => i32.add(i32.shr_u(word, c32(29)), c32(1));

/** What of an access does not depend on the element. */
interface Plan {
  readonly fields: I32;
  /** Bytes of a group, which is a field. */
  readonly group: I32;
  /** Elements of the data. */
  readonly data: Elements;
}

/** Checks groups of data elements, of which log2 of EMUL is given, and that the mask is no destination. */
function planOf(f: FunctionBuilder, { word, vd, vm }: Word, data: Elements, emul: I32, { store }: Direction): Plan {
  refuseIf(f, i32.gt_u(i32.add(emul, c32(3)), c32(6)));
  const group = groupSize(f, emul);
  refuseUnaligned(f, vd, group);
  const fields = f.let(fieldsIn(word));
  const size = f.let(i32.mul(fields, group));
  refuseIf(f, i32.gt_u(size, c32(8 * VLENB)));
  refuseIf(f, i32.gt_u(i32.add(vd, size), c32(32 * VLENB)));
  if (!store) refuseIf(f, i32.eqz(i32.or(vd, vm)));
  return { fields, group, data };
}

/**
 * The loop over elements and their fields.
 * @param addressOf an element's address
 * @param limit the number of elements, if it is not vl
 */
function eachField(
  f: FunctionBuilder,
  access: Access,
  { vd }: Word,
  vm: I32 | undefined,
  plan: Plan,
  addressOf: (i: Local<"i32">) => I64,
  limit?: I32,
): void {
  const { data } = plan;
  forEach(
    f,
    vm,
    (i) => {
      const address = f.local("i64");
      f.set(address, addressOf(i));
      const place = f.local("i32");
      f.set(place, data.at(vd, i));
      const left = f.local("i32");
      f.set(left, plan.fields);
      f.loop((again) => {
        f.if(f.call("i32", access.move, [address, data.size, place]), () => {
          storeState(f, VSTART, i);
          f.return(FAULT);
        });
        f.set(address, i64.add(address, i64.shl(c64(1), i64.extend_i32_u(data.size))));
        f.set(place, i32.add(place, plan.group));
        f.set(left, i32.sub(left, c32(1)));
        f.brIf(again, left);
      });
    },
    limit,
  );
}

/** Bytes in a row, none of which is masked off, if they may be accessed: then the function returns. */
function copyRow(f: FunctionBuilder, address: I64, place: I32, bytes: I32, direction: Direction): void {
  const whole = f.let(address);
  f.if(i32.eqz(bytes), () => f.return(DONE));
  f.if(allowed(whole, bytes, direction), () => {
    const from = f.local("i32");
    f.set(from, i32.wrap(whole));
    const to = f.local("i32");
    f.set(to, place);
    const left = f.local("i32");
    f.set(left, bytes);
    f.block((tail) =>
      f.loop((again) => {
        f.brIf(tail, i32.lt_u(left, c32(VLENB)));
        f.exec(
          direction.store
            ? v128.store(from, v128.load(to, REGISTERS), BIAS)
            : v128.store(to, v128.load(from, BIAS), REGISTERS),
        );
        for (const local of [from, to]) f.set(local, i32.add(local, c32(VLENB)));
        f.set(left, i32.sub(left, c32(VLENB)));
        f.br(again);
      }),
    );
    f.if(left, () => {
      if (!direction.store) {
        // What is behind may be read here, if not by the guest: it is thrown away.
        const inside = i8x16.gt_s(i8x16.splat(left), IOTA);
        f.exec(v128.store(to, bits.select(v128.load(from, BIAS), v128.load(to, REGISTERS), inside), REGISTERS));
        return;
      }
      for (const size of [3, 2, 1, 0])
        f.if(i32.and(left, c32(1 << size)), () => {
          move(f, c32(size), to, from, direction);
          for (const local of [from, to]) f.set(local, i32.add(local, c32(1 << size)));
        });
    });
    storeState(f, VSTART, ZERO);
    f.return(DONE);
  });
}

type Body = (f: FunctionBuilder, fields: Word, base: Local<"i64">, other: Local<"i64">) => void;
/** (word, base, stride) -> DONE, REFUSED or FAULT */
function memoryFunction(m: ModuleBuilder, name: string, body: Body): FunctionRef {
  return m.func(`v.${name}`, ["i32", "i64", "i64"], ["i32"], (f) => {
    const { word, vd, vs1, vs2, vm } = fieldsOf(f.param(0, "i32"));
    const fields = { word, vd: f.let(vd), vs1, vs2: f.let(vs2), vm: f.let(vm) };
    body(f, fields, f.param(1, "i64"), f.param(2, "i64"));
    f.return(DONE);
  });
}

/** log2 of EEW / 8, which the width field says: 0, 5, 6 or 7. */
const eewOf = (word: I32): I32 => i32.and(i32.shr_u(word, c32(12)), c32(3));

interface Types {
  readonly eew: I32;
  readonly sew: I32;
  readonly lmul: I32;
  /** log2 of EMUL: of a group of elements of EEW. */
  readonly emul: I32;
}
function typesOf(f: FunctionBuilder, word: I32): Types {
  checkType(f);
  const vtype = f.let(loadState(VTYPE));
  const sew = f.let(sewOf(vtype));
  const lmul = f.let(lmulOf(vtype));
  const eew = f.let(eewOf(word));
  return { eew, sew, lmul, emul: f.let(i32.add(i32.sub(eew, sew), lmul)) };
}

const wide = (v: I32): I64 => i64.extend_i32_u(v);

function defineUnitStride(m: ModuleBuilder, name: string, access: Access, direction: Direction): FunctionRef {
  return memoryFunction(m, name, (f, fields, base) => {
    const { eew, emul } = typesOf(f, fields.word);
    const data = new Elements(f, eew);
    const plan = planOf(f, fields, data, emul, direction);
    const plain = i32.and(i32.eqz(loadState(VSTART)), i32.eq(plan.fields, c32(1)));
    f.if(i32.and(plain, i32.ne(fields.vm, ZERO)), () =>
      copyRow(f, base, fields.vd, f.let(i32.shl(loadState(VL), eew)), direction),
    );
    const stride = f.let(i32.shl(plan.fields, eew));
    eachField(f, access, fields, fields.vm, plan, (i) => i64.add(base, wide(i32.mul(i, stride))));
  });
}

/** What cannot be loaded, but at element 0, is where the vector ends (7.7). */
function defineFaultOnlyFirst(m: ModuleBuilder, access: Access): FunctionRef {
  return memoryFunction(m, "load_ff", (f, fields, base) => {
    const { eew, emul } = typesOf(f, fields.word);
    const data = new Elements(f, eew);
    const plan = planOf(f, fields, data, emul, LOAD);
    const plain = i32.and(i32.eqz(loadState(VSTART)), i32.eq(plan.fields, c32(1)));
    f.if(i32.and(plain, i32.ne(fields.vm, ZERO)), () =>
      copyRow(f, base, fields.vd, f.let(i32.shl(loadState(VL), eew)), LOAD),
    );
    const stride = f.let(i32.shl(plan.fields, eew));
    const end = f.local("i32");
    f.set(end, loadState(VL));
    // All are looked at before the first one is loaded.
    const start = f.let(loadState(VSTART));
    f.block((found) =>
      forEach(f, fields.vm, (i) => {
        const address = f.let(i64.add(base, wide(i32.mul(i, stride))));
        f.if(i32.eqz(allowed(address, stride, LOAD)), () => {
          f.if(i32.eqz(i), () => f.return(f.call("i32", access.fault, [address])));
          f.set(end, i);
          f.br(found);
        });
      }),
    );
    storeState(f, VSTART, start);
    eachField(f, access, fields, fields.vm, plan, (i) => i64.add(base, wide(i32.mul(i, stride))), end);
    storeState(f, VL, end);
  });
}

function defineStrided(m: ModuleBuilder, name: string, access: Access, direction: Direction): FunctionRef {
  return memoryFunction(m, name, (f, fields, base, stride) => {
    const { eew, emul } = typesOf(f, fields.word);
    const plan = planOf(f, fields, new Elements(f, eew), emul, direction);
    eachField(f, access, fields, fields.vm, plan, (i) => i64.add(base, i64.mul(wide(i), stride)));
  });
}

/** The width is that of the indices; the data's is SEW. */
function defineIndexed(m: ModuleBuilder, name: string, access: Access, direction: Direction): FunctionRef {
  return memoryFunction(m, name, (f, fields, base) => {
    const { vd, vs2 } = fields;
    const { eew, sew, lmul, emul } = typesOf(f, fields.word);
    refuseIf(f, i32.gt_u(i32.add(emul, c32(3)), c32(6)));
    const indexSize = groupSize(f, emul);
    refuseUnaligned(f, vs2, indexSize);
    const plan = planOf(f, fields, new Elements(f, sew), lmul, direction);
    if (!direction.store) {
      const size = f.let(i32.mul(plan.fields, plan.group));
      const overlaps = f.let(overlap(vd, size, vs2, indexSize));
      // A single field may be in the place of indices of its own width, in their lowest part if they are wider, and if
      // they are narrower they may be in its highest part.
      const highest = i32.and(
        i32.eq(i32.add(vd, size), i32.add(vs2, indexSize)),
        i32.and(i32.gt_u(size, indexSize), i32.ge_s(emul, ZERO)),
      );
      const lowest = i32.eq(vd, vs2);
      const fine = select(i32.lt_s(eew, sew), highest, select(i32.eq(eew, sew), c32(1), lowest));
      const single = i32.eq(plan.fields, c32(1));
      refuseIf(f, i32.and(overlaps, i32.eqz(i32.and(single, fine))));
    }
    const indices = new Elements(f, eew);
    eachField(f, access, fields, fields.vm, plan, (i) => i64.add(base, indices.load(vs2, i, "u")));
  });
}

/** So many registers, whatever vtype and vl are (7.9). */
function defineWhole(m: ModuleBuilder, name: string, access: Access, direction: Direction): FunctionRef {
  return memoryFunction(m, name, (f, fields, base) => {
    const { word, vd } = fields;
    const size = f.let(i32.mul(fieldsIn(word), c32(VLENB)));
    refuseUnaligned(f, vd, size);
    useVectors(f);
    const eew = f.let(eewOf(word));
    f.if(i32.eqz(loadState(VSTART)), () => copyRow(f, base, vd, size, direction));
    const plan: Plan = { fields: c32(1), group: ZERO, data: new Elements(f, eew) };
    const addressOf = (i: I32): I64 => i64.add(base, wide(i32.shl(i, eew)));
    eachField(f, access, fields, undefined, plan, addressOf, f.let(i32.shr_u(size, eew)));
  });
}

/** The bytes that hold vl bits (7.4). */
function defineMask(m: ModuleBuilder, name: string, access: Access, direction: Direction): FunctionRef {
  return memoryFunction(m, name, (f, fields, base) => {
    checkType(f);
    const bytes = f.let(i32.shr_u(i32.add(loadState(VL), c32(7)), c32(3)));
    f.if(i32.eqz(loadState(VSTART)), () => copyRow(f, base, fields.vd, bytes, direction));
    const plan: Plan = { fields: c32(1), group: ZERO, data: new Elements(f, ZERO) };
    eachField(f, access, fields, undefined, plan, (i) => i64.add(base, wide(i)), bytes);
  });
}

function definition(fn: FunctionRef, isStore: boolean, strided: boolean, inRow = false): Definition {
  const general: Definition = (s) => {
    const { f } = s;
    const result = f.let(f.call("i32", fn, [s.imm32(), s.x("rs1"), strided ? s.x("rs2") : c64(0)]));
    f.if(result, () => {
      f.if(i32.eq(result, FAULT), () => {
        // It may not be accessed, so this leaves.
        const where = f.let(i64.load(ZERO, CONTEXT_OFFSET + V_FAULT));
        if (isStore) s.writable(where, 1);
        else s.readable(where, 1);
      });
      s.trap(Trap.IllegalInstruction);
    });
  };
  return inRow ? (s) => moveInRow(s, isStore, () => general(s)) : general;
}

/** Definitions by mnemonic. */
export function defineMemory(m: ModuleBuilder): Record<string, Definition> {
  const all: Record<string, Definition> = {};
  const loadElement = defineAccess(m, "load", LOAD);
  const faultOnlyFirst = definition(defineFaultOnlyFirst(m, loadElement), false, false, true);
  for (const direction of [LOAD, STORE]) {
    const { store } = direction;
    const [letter, name] = store ? ["s", "store"] : ["l", "load"];
    const access = store ? defineAccess(m, "store", STORE) : loadElement;
    const unit = definition(defineUnitStride(m, `${name}_unit`, access, direction), store, false, true);
    const strided = definition(defineStrided(m, `${name}_strided`, access, direction), store, true);
    const indexed = definition(defineIndexed(m, `${name}_indexed`, access, direction), store, false);
    const whole = definition(defineWhole(m, `${name}_whole`, access, direction), store, false);
    for (const { eew } of WIDTHS) {
      all[`v${letter}e${eew}.v`] = unit;
      all[`v${letter}se${eew}.v`] = strided;
      for (const order of ["u", "o"]) all[`v${letter}${order}xei${eew}.v`] = indexed;
      if (!store) all[`vle${eew}ff.v`] = faultOnlyFirst;
      if (!store) for (const { count } of WHOLE) all[`vl${count}re${eew}.v`] = whole;
    }
    if (store) for (const { count } of WHOLE) all[`vs${count}r.v`] = whole;
    all[`v${letter}m.v`] = definition(defineMask(m, `${name}_mask`, access, direction), store, false);
  }
  return all;
}
