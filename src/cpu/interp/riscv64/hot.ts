/**
 * What is common in compiled code, and therefore has quick handlers in the main loop. Results don't depend on these lists.
 * (Control flow is always inline, since it needs the fuel that only the main loop has at hand.)
 */
export const HOT = `
li mv nop addi slti sltiu xori ori andi slli srli srai add sub sll slt sltu xor srl sra or and
addiw slliw srliw sraiw addw subw sllw srlw sraw
lb lh lw ld lbu lhu lwu sb sh sw sd mul mulw mulhu div divu rem remu divw divuw remw remuw
`;

/** Neighbours that run as one, to save a dispatch. */
export const PAIRS: readonly string[] = [];
