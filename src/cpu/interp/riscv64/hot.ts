/**
 * What is common in compiled code (busybox, musl, and the loops of compiled C), and therefore has quick handlers in the main
 * loop. Results don't depend on these lists. (Control flow is always inline, since it needs the fuel that only the main loop
 * has at hand.)
 */
export const HOT = `
li mv nop addi slti sltiu xori ori andi slli srli srai add sub sll slt sltu xor srl sra or and
addiw slliw srliw sraiw addw subw sllw srlw sraw
lb lh lw ld lbu lhu lwu sb sh sw sd mul mulw mulh mulhu div divu rem remu divw divuw remw remuw
add.uw slli.uw sh1add sh2add sh3add sh1add.uw sh2add.uw sh3add.uw zext.h sext.b sext.h andn min max minu maxu rori roriw
bext bexti
fld fsd flw fsw fadd.d fsub.d fmul.d fdiv.d fmadd.d fmsub.d fnmsub.d fadd.s fsub.s fmul.s fmadd.s fsgnj.d fsgnj.s
flt.d fle.d feq.d fcvt.d.w fcvt.d.l fcvt.w.d:z fcvt.l.d:z fcvt.s.d fcvt.d.s fmv.d.x fmv.x.d
`;

/**
 * Neighbours that run as one, to save a dispatch. `{a b}` is either. The main loop must not get too big: see the essay in
 * ../x86_64/hot.ts, and the test that watches the size.
 */
export const PAIRS: readonly string[] = [
  "ld|{ld addi mv add beqz bnez beq bne}",
  "sd|{sd mv jal addi li ld}",
  "mv|{mv jal li ld sd j addi jalr}",
  "li|{addi ld lw mv li jal j jalr beq bne blt bge fld add sd}",
  "addi|{addi mv jal li sd ld jr j beq bne beqz bnez blt bge bltu bgeu lbu lw add sw sb}",
  "slli|{srli srai add or addi}",
  "srli|{andi slli addi add xor sb}",
  "lbu|{lbu slli addi beqz bnez beq bne add sb}",
  "lw|{lw addi addiw addw add mv sw beqz bnez beq bne blt bge slli}",
  "sw|{sw addi lw j li mv}",
  "add|{ld lw lbu lhu sd sw sb add addi slli mv j lb}",
  "addw|{addw slli sw mv add bne}",
  "addiw|{sw slli mv addi beqz bnez bne andi j srli addiw}",
  "andi|{beqz bnez andi addi slli}",
  "and|{beqz bnez or xor}",
  "or|{lbu or sw}",
  "xor|{and xor srli slli}",
  "sub|{srai addi slli bltu}",
  "slliw|{or addw srliw}",
  "srliw|{or xor andi}",
  "{or xor}|roriw",
  "mul|{add srli}",
  "mulw|{addw add}",
  "sb|{addi srli sb bne}",
  "sltu|{beqz bnez add}",
  "fld|{fld fmul.d fadd.d fsub.d fmadd.d}",
  "fsd|{fsd addi}",
  "fmul.d|{fadd.d fsub.d fmul.d fmadd.d}",
  "fmadd.d|{fmadd.d fsd addi}",
  "fadd.d|fadd.d",
];
