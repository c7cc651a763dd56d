/** What walking a stack has to know of an instruction set. Registers are in DWARF's numbering for it. */

/** Reads of guest memory that change nothing; undefined where nothing is there to be read. */
export interface Memory {
  u64(address: number): number | undefined;
  /** As many bytes as lie there, up to `length`. */
  bytes(address: number, length: number): Uint8Array;
}

export interface UnwindArch {
  readonly registerCount: number;
  readonly stackPointer: number;
  /** The number of the column that holds the return address or, at the first frame, the program counter. */
  readonly returnAddress: number;
  /** Copies the registers of a CPU context. */
  registers(context: DataView): Float64Array;
  /**
   * The caller's registers, if the function that begins at `start` keeps a frame pointer, as code that is not optimised
   * does; undefined if it doesn't.
   */
  byFramePointer(registers: Float64Array, start: number, memory: Memory): Float64Array | undefined;
  /**
   * What the instruction before a return address calls: undefined if it is no call; 0 if that cannot be told (a computed
   * call).
   */
  callBefore(address: number, memory: Memory): number | undefined;
  /** Addresses that code, which begins at `address`, calls or takes as constants: where functions begin, if they lie in code. */
  codeReferences(code: Uint8Array, address: number): number[];
  /** Where the code at an address may jump without coming back: the last thing that a function does, maybe. */
  jumps(address: number, memory: Memory): number[];
  /** Where a stub of the procedure linkage table leads; undefined if there is none at the address. */
  stubTarget(address: number, memory: Memory): number | undefined;
  /** Whether the code at an address is what a signal handler returns to. */
  isSigreturn(address: number, memory: Memory): boolean;
  /** There: the registers that were interrupted. */
  interrupted(registers: Float64Array, memory: Memory): Float64Array | undefined;
}
