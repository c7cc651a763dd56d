/**
 * The fields of a riscv64 record beside those that all records have (../layout.ts):
 *
 *     u8   2  rd: 8 times its number, counted from x1, or f0 of the other file (isa/riscv64/context.ts)
 *     u8   3  rs1: 8 times its number
 *     u8   4  rs2
 *     u8   5  rs3
 *     u8   6  static rounding mode
 *     u8   7  length of the instruction
 *     i32  8  low half of the constant of li
 *     i32 12  immediate; high half of the constant; record of the branch target
 *
 * A destination in the file of the f registers is counted from f0.
 */
export const R_RD = 2;
export const R_RS1 = 3;
export const R_RS2 = 4;
export const R_RS3 = 5;
export const R_ROUNDING = 6;
