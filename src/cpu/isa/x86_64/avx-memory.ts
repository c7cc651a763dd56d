/**
 * AVX and AVX2: memory under a mask, and gathers. Definitions: see sem.ts for the rules they keep.
 *
 * Elements that are not wanted are not accessed, so each that is wanted is checked by itself. A gather that faults has
 * done nothing yet (a processor may have loaded the elements below the one that faults, and have cleared their mask).
 */
import { BIAS } from "../../../mm/layout.ts";
import { type I32, type I64, i32, i64, type V128 } from "../../wasm/expr.ts";
import { i32x4, i64x2 } from "../../wasm/simd.ts";
import { ZERO } from "./lanes.ts";
import type { Definition, Sem } from "./sem.ts";

type Width = 4 | 8;

/** For element i: whether the highest bit of its mask is set. */
function wanted(s: Sem, mask: readonly V128[], width: Width): (i: number) => I32 {
  const per = 16 / width;
  const each = mask.map((v) => s.f.let(width === 4 ? i32x4.bitmask(v) : i64x2.bitmask(v)));
  return (i) => i32.and(each[Math.floor(i / per)] as I32, i32.const(1 << (i % per)));
}

/** Element i of r, from checked memory. */
function loadElement(r: V128, i: number, width: Width, at: I32, offset: number): V128 {
  if (width === 4) return i32x4.replace(r, i % 4, i32.load(at, offset));
  return i64x2.replace(r, i % 2, i64.load(at, offset));
}

const maskedLoad =
  (width: Width): Definition =>
  (s) => {
    const { f } = s;
    const per = 16 / width;
    const mask = s.vector(1);
    const address = s.address(2);
    const isWanted = wanted(s, mask, width);
    const r = mask.map(() => f.local("v128"));
    for (const v of r) f.set(v, ZERO);
    for (let i = 0; i < mask.length * per; i++)
      f.if(isWanted(i), () => {
        const v = r[Math.floor(i / per)] as (typeof r)[number];
        const at = s.readable(i64.add(address, i64.const(i * width)), width);
        f.set(v, loadElement(v, i, width, at, BIAS));
      });
    s.setVector(0, r);
  };

const maskedStore =
  (width: Width): Definition =>
  (s) => {
    const { f } = s;
    const per = 16 / width;
    const values = s.vector(2);
    const mask = s.vector(1);
    const address = s.address(0);
    const isWanted = wanted(s, mask, width);
    const count = mask.length * per;
    for (let i = 0; i < count; i++)
      f.if(isWanted(i), () => {
        s.writable(i64.add(address, i64.const(i * width)), width);
      });
    const at = f.let(i32.wrap(address));
    for (let i = 0; i < count; i++)
      f.if(isWanted(i), () => {
        const v = values[Math.floor(i / per)] as V128;
        if (width === 4) f.exec(i32.store(at, i32x4.extract(v, i % per), BIAS + i * width));
        else f.exec(i64.store(at, i64x2.extract(v, i % per), BIAS + i * width));
      });
  };

/** Index i, of 4 or 8 bytes, sign-extended. */
function indexAt(indices: readonly V128[], i: number, width: Width): I64 {
  const per = 16 / width;
  const v = indices[Math.floor(i / per)] as V128;
  return width === 8 ? i64x2.extract(v, i % 2) : i64.extend_i32_s(i32x4.extract(v, i % 4));
}

/**
 * @param index width of an index
 * @param elements how many there are; undefined: as many as fit in the destination
 */
function gather(width: Width, index: Width, address32: boolean, elements?: number): Definition {
  return (s) => {
    const { f } = s;
    const per = 16 / width;
    const mask = s.vector(2);
    const old = s.vector(0);
    const indices = s.indices(1);
    const isWanted = wanted(s, mask, width);
    const r = old.map((v) => {
      const local = f.local("v128");
      f.set(local, v);
      return local;
    });
    const count = elements ?? old.length * per;
    for (let i = 0; i < count; i++)
      f.if(isWanted(i), () => {
        const v = r[Math.floor(i / per)] as (typeof r)[number];
        const at = s.readable(s.element(1, indexAt(indices, i, index), address32), width);
        f.set(v, loadElement(v, i, width, at, BIAS));
      });
    // Of two elements in a register of four the others become 0.
    if (count * width === 8) f.set(r[0] as (typeof r)[number], i64x2.replace(ZERO, 0, i64x2.extract(r[0] as V128, 0)));
    s.setVector(0, r);
    s.setVector(
      2,
      mask.map(() => ZERO),
    );
  };
}

function gathers(suffix: string, address32: boolean): Record<string, Definition> {
  return {
    [`vpgatherdd${suffix}`]: gather(4, 4, address32),
    [`vpgatherdq${suffix}`]: gather(8, 4, address32),
    // Indices of 8 bytes for elements of 4: the vector length is that of the indices.
    [`vpgatherqd_128${suffix}`]: gather(4, 8, address32, 2),
    [`vpgatherqd_256${suffix}`]: gather(4, 8, address32, 4),
    [`vpgatherqq${suffix}`]: gather(8, 8, address32),
  };
}

export const avxMemory: Readonly<Record<string, Definition>> = {
  vpmaskmovd: maskedLoad(4),
  vpmaskmovq: maskedLoad(8),
  vpmaskmovd_store: maskedStore(4),
  vpmaskmovq_store: maskedStore(8),
  ...gathers("", false),
  ...gathers("_a32", true),
};
