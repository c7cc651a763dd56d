/** The parts of the state that XSAVE knows, and where they are in its image (Intel SDM vol. 1, 13.4). */

/** Bits of XCR0, of the image's header and of the mask in edx:eax. */
export const StatePart = { X87: 1, SSE: 2, AVX: 4 } as const;
/** What the operating system has turned on: all there is. */
export const XCR0: number = StatePart.X87 | StatePart.SSE | StatePart.AVX;

/** XSTATE_BV and XCOMP_BV in the header behind the 512 bytes of FXSAVE. */
export const STATE_BV = 512;
export const COMPACTION_BV = 520;
/** The upper halves of the ymm registers, right behind the header. */
export const XSAVE_AVX = 576;
export const XSAVE_SIZE: number = XSAVE_AVX + 256;
