/** The base: RV64I, Zicsr, Zifencei (RISC-V Instruction Set Manual, volume I, chapters 2, 4, 6, 7). */
import { BIAS, CONTEXT_OFFSET } from "../../../mm/layout.ts";
import { Trap } from "../../core.ts";
import { type I32, type I64, i32, i64, select } from "../../wasm/expr.ts";
import type { FunctionRef } from "../../wasm/module.ts";
import { FFLAGS, FP_CAREFUL, FRM } from "./context.ts";
import type { Definition, Family, Sem } from "./sem.ts";

const TABLE = `
u20 rd 0110111 lui
u20 rd 0010111 auipc
j20 rd 1101111 jal
i12 rs1 000 rd 1100111 jalr
b7 rs2 rs1 000 b5 1100011 beq
b7 rs2 rs1 001 b5 1100011 bne
b7 rs2 rs1 100 b5 1100011 blt
b7 rs2 rs1 101 b5 1100011 bge
b7 rs2 rs1 110 b5 1100011 bltu
b7 rs2 rs1 111 b5 1100011 bgeu
i12 rs1 000 rd 0000011 lb
i12 rs1 001 rd 0000011 lh
i12 rs1 010 rd 0000011 lw
i12 rs1 011 rd 0000011 ld
i12 rs1 100 rd 0000011 lbu
i12 rs1 101 rd 0000011 lhu
i12 rs1 110 rd 0000011 lwu
s7 rs2 rs1 000 s5 0100011 sb
s7 rs2 rs1 001 s5 0100011 sh
s7 rs2 rs1 010 s5 0100011 sw
s7 rs2 rs1 011 s5 0100011 sd
i12 rs1 000 rd 0010011 addi
i12 rs1 010 rd 0010011 slti
i12 rs1 011 rd 0010011 sltiu
i12 rs1 100 rd 0010011 xori
i12 rs1 110 rd 0010011 ori
i12 rs1 111 rd 0010011 andi
000000 sh6 rs1 001 rd 0010011 slli
000000 sh6 rs1 101 rd 0010011 srli
010000 sh6 rs1 101 rd 0010011 srai
0000000 rs2 rs1 000 rd 0110011 add
0100000 rs2 rs1 000 rd 0110011 sub
0000000 rs2 rs1 001 rd 0110011 sll
0000000 rs2 rs1 010 rd 0110011 slt
0000000 rs2 rs1 011 rd 0110011 sltu
0000000 rs2 rs1 100 rd 0110011 xor
0000000 rs2 rs1 101 rd 0110011 srl
0100000 rs2 rs1 101 rd 0110011 sra
0000000 rs2 rs1 110 rd 0110011 or
0000000 rs2 rs1 111 rd 0110011 and
i12 rs1 000 rd 0011011 addiw
0000000 sh5 rs1 001 rd 0011011 slliw
0000000 sh5 rs1 101 rd 0011011 srliw
0100000 sh5 rs1 101 rd 0011011 sraiw
0000000 rs2 rs1 000 rd 0111011 addw
0100000 rs2 rs1 000 rd 0111011 subw
0000000 rs2 rs1 001 rd 0111011 sllw
0000000 rs2 rs1 101 rd 0111011 srlw
0100000 rs2 rs1 101 rd 0111011 sraw
?12 ?5 000 ?5 0001111 fence
?12 ?5 001 ?5 0001111 fence.i
000000000000 00000 000 00000 1110011 ecall
000000000001 00000 000 00000 1110011 ebreak
csr rs1 001 rd 1110011 csrrw
csr rs1 010 rd 1110011 csrrs
csr rs1 011 rd 1110011 csrrc
csr z5 101 rd 1110011 csrrwi
csr z5 110 rd 1110011 csrrsi
csr z5 111 rd 1110011 csrrci
`;

const ZERO = i32.const(0);

type Binary = (a: I64, b: I64) => I64;

const registers =
  (op: Binary): Definition =>
  (s) =>
    s.setX(op(s.x("rs1"), s.x("rs2")));
const immediate =
  (op: Binary): Definition =>
  (s) =>
    s.setX(op(s.x("rs1"), s.imm()));
const registersW =
  (op: (a: I32, b: I32) => I32): Definition =>
  (s) =>
    s.setW(op(s.w("rs1"), s.w("rs2")));
const immediateW =
  (op: (a: I32, b: I32) => I32): Definition =>
  (s) =>
    s.setW(op(s.w("rs1"), s.imm32()));

const slt: Binary = (a, b) => i64.extend_i32_u(i64.lt_s(a, b));
const sltu: Binary = (a, b) => i64.extend_i32_u(i64.lt_u(a, b));

/** wasm's shifts take the count modulo the width, as these do. */
const alu: Readonly<Record<string, Definition>> = {
  li: (s) => s.setX(s.imm()),
  mv: (s) => s.setX(s.x("rs1")),
  nop: () => {},
  lui: (s) => s.setX(s.imm()),
  auipc: (s) => s.setX(i64.add(s.pc(), s.imm())),
  addi: immediate(i64.add),
  slti: immediate(slt),
  sltiu: immediate(sltu),
  xori: immediate(i64.xor),
  ori: immediate(i64.or),
  andi: immediate(i64.and),
  slli: immediate(i64.shl),
  srli: immediate(i64.shr_u),
  srai: immediate(i64.shr_s),
  add: registers(i64.add),
  sub: registers(i64.sub),
  sll: registers(i64.shl),
  slt: registers(slt),
  sltu: registers(sltu),
  xor: registers(i64.xor),
  srl: registers(i64.shr_u),
  sra: registers(i64.shr_s),
  or: registers(i64.or),
  and: registers(i64.and),
  addiw: immediateW(i32.add),
  slliw: immediateW(i32.shl),
  srliw: immediateW(i32.shr_u),
  sraiw: immediateW(i32.shr_s),
  addw: registersW(i32.add),
  subw: registersW(i32.sub),
  sllw: registersW(i32.shl),
  srlw: registersW(i32.shr_u),
  sraw: registersW(i32.shr_s),
};

/** The address of a load or store. */
export const addressOf = (s: Sem): I64 => i64.add(s.x("rs1"), s.imm());

const load =
  (bytes: number, value: (at: I32) => I64): Definition =>
  (s) =>
    s.setX(value(s.readable(addressOf(s), bytes)));
const store =
  (bytes: number, write: (at: I32, value: I64, offset: number) => ReturnType<typeof i64.store>): Definition =>
  (s) => {
    const at = s.writable(addressOf(s), bytes);
    s.f.exec(write(at, s.x("rs2"), BIAS));
  };

const memory: Readonly<Record<string, Definition>> = {
  lb: load(1, (at) => i64.load8_s(at, BIAS)),
  lh: load(2, (at) => i64.load16_s(at, BIAS)),
  lw: load(4, (at) => i64.load32_s(at, BIAS)),
  ld: load(8, (at) => i64.load(at, BIAS)),
  lbu: load(1, (at) => i64.load8_u(at, BIAS)),
  lhu: load(2, (at) => i64.load16_u(at, BIAS)),
  lwu: load(4, (at) => i64.load32_u(at, BIAS)),
  sb: store(1, i64.store8),
  sh: store(2, i64.store16),
  sw: store(4, i64.store32),
  sd: store(8, i64.store),
};

const branch =
  (condition: (a: I64, b: I64) => I32): Definition =>
  (s) =>
    s.f.if(condition(s.x("rs1"), s.x("rs2")), () => s.jump());

/** The target is known before rd, which may be rs1, is written; its lowest bit is dropped. */
function jumpTarget(s: Sem): I64 {
  const target = s.f.let(i64.and(addressOf(s), i64.const(-2)));
  s.checkTarget(target);
  return target;
}

const control: Readonly<Record<string, Definition>> = {
  j: (s) => s.jump(),
  jal: (s) => {
    s.setX(s.nextPc());
    s.jump();
  },
  jr: (s) => s.jump(jumpTarget(s)),
  jalr: (s) => {
    const target = jumpTarget(s);
    s.setX(s.nextPc());
    s.computed(target);
  },
  beq: branch(i64.eq),
  bne: branch(i64.ne),
  blt: branch(i64.lt_s),
  bge: branch(i64.ge_s),
  bltu: branch(i64.lt_u),
  bgeu: branch(i64.ge_u),
  beqz: (s) => s.f.if(i64.eqz(s.x("rs1")), () => s.jump()),
  bnez: (s) => s.f.if(i64.ne(s.x("rs1"), i64.const(0)), () => s.jump()),
  // Memory is always in order here, and code that was written to is noticed by the page it is on.
  fence: () => {},
  "fence.i": () => {},
  ecall: (s) => s.trapAfter(Trap.Syscall),
  ebreak: (s) => s.trap(Trap.Breakpoint),
  // Around a comparison, by the decoder.
  "flags.keep": (s) => s.setX(i64.load32_u(ZERO, CONTEXT_OFFSET + FFLAGS)),
  "flags.restore": (s) => s.f.exec(i32.store(ZERO, i32.and(s.w("rs1"), i32.const(31)), CONTEXT_OFFSET + FFLAGS)),
};

/** Control and status registers of user mode, by number (volume II, "CSR Listing"). */
const CSR = { fflags: 1, frm: 2, fcsr: 3, cycle: 0xc00, time: 0xc01, instret: 0xc02 } as const;
type Change = (old: I32, value: I32) => I32;
const CHANGES: Readonly<Record<string, Change>> = {
  csrrw: (_old, value) => value,
  csrrs: i32.or,
  csrrc: (old, value) => i32.and(old, i32.xor(value, i32.const(-1))),
};

/**
 * `timestamp` () -> i64 counts nanoseconds, and stands for all three counters: what is retired is known here only now and
 * then, and the clock is as good a measure of it as any that only grows.
 */
function defineCsr(timestamp: FunctionRef): Readonly<Record<string, Definition>> {
  const definition =
    (change: Change, isImmediate: boolean, alwaysWrites: boolean): Definition =>
    (s) => {
      const { f } = s;
      const number = f.let(s.imm32());
      const source = f.let(s.rs1Number());
      const writes = alwaysWrites ? i32.const(1) : source;
      const value = isImmediate ? source : s.w("rs1");
      f.if(i32.and(i32.ge_u(number, i32.const(CSR.cycle)), i32.le_u(number, i32.const(CSR.instret))), () => {
        f.if(writes, () => s.trap(Trap.IllegalInstruction));
        s.setX(f.call("i64", timestamp, []));
        s.done();
      });
      f.if(i32.gt_u(i32.sub(number, i32.const(CSR.fflags)), i32.const(2)), () => s.trap(Trap.IllegalInstruction));
      const flags = f.let(i32.load(ZERO, CONTEXT_OFFSET + FFLAGS));
      const mode = f.let(i32.load(ZERO, CONTEXT_OFFSET + FRM));
      const isMode = f.let(i32.eq(number, i32.const(CSR.frm)));
      const isFlags = f.let(i32.eq(number, i32.const(CSR.fflags)));
      const old = f.local("i32");
      f.set(old, i32.or(i32.shl(mode, i32.const(5)), flags));
      f.if(isMode, () => f.set(old, mode));
      f.if(isFlags, () => f.set(old, flags));
      f.if(writes, () => {
        const changed = f.let(change(old, value));
        f.if(i32.eqz(isMode), () => f.exec(i32.store(ZERO, i32.and(changed, i32.const(31)), CONTEXT_OFFSET + FFLAGS)));
        f.if(i32.eqz(isFlags), () => {
          const field = i32.and(i32.shr_u(changed, select(isMode, ZERO, i32.const(5))), i32.const(7));
          f.exec(i32.store(ZERO, field, CONTEXT_OFFSET + FRM));
        });
      });
      // Who only asks for the rounding mode, while it is the usual one, has not looked at the flags.
      const harmless = i32.and(isMode, i32.eqz(i32.load(ZERO, CONTEXT_OFFSET + FRM)));
      f.if(i32.eqz(harmless), () => f.exec(i32.store(ZERO, i32.const(1), CONTEXT_OFFSET + FP_CAREFUL)));
      s.setX(i64.extend_i32_u(old));
    };
  const all: Record<string, Definition> = {};
  for (const [name, change] of Object.entries(CHANGES)) {
    all[name] = definition(change, false, name === "csrrw");
    all[`${name}i`] = definition(change, true, name === "csrrw");
  }
  return all;
}

export const integerFamily: Family = {
  name: "integer",
  table: TABLE,
  aliases: ["li", "mv", "nop", "j", "jr", "beqz", "bnez", "flags.keep", "flags.restore"],
  imports: [{ name: "timestamp", params: [], results: ["i64"] }],
  define: (_module, imports) => ({
    ...alu,
    ...memory,
    ...control,
    ...defineCsr(imports["timestamp"] as FunctionRef),
  }),
};
