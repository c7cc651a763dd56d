/** SSE3 to SSE4.2, AES-NI, PCLMULQDQ and SHA-NI: what all of them compute, and their legacy definitions. */
import type { ModuleBuilder } from "../../wasm/module.ts";
import { aesTable, defineAes } from "./aes.ts";
import { type Lanes, legacyForms } from "./lanes.ts";
import { definePclmul, pclmulTable } from "./pclmul.ts";
import type { Definition } from "./sem.ts";
import { defineSha, shaTable } from "./sha.ts";
import type { NanFunctions } from "./sse-nan.ts";
import type { SoftFunctions } from "./sse-soft.ts";
import { defineSoftLanes, sse3Float, sse3Moves, sse3Table, sse3Unary } from "./sse3.ts";
import { sse4Binary, sse4BinaryImm, sse4Definitions, sse4Table, sse4Ternary, sse4Unary } from "./sse4.ts";
import { crcTable, defineCrc } from "./sse4-crc.ts";
import { sse4Float, sse4FloatTable } from "./sse4-float.ts";
import { defineStrings, type StringComparison, stringDefinitions, stringTable } from "./sse4-strings.ts";
import { ssse3Binary, ssse3BinaryImm, ssse3Mmx, ssse3Table, ssse3Unary } from "./ssse3.ts";

export const extensionTables: string = [
  sse3Table,
  ssse3Table,
  sse4Table,
  sse4FloatTable,
  stringTable,
  crcTable,
  aesTable,
  pclmulTable,
  shaTable,
].join("");

export interface Extensions {
  /** By mnemonic: what VEX forms share. */
  readonly lanes: Lanes;
  /** What has no VEX forms. */
  readonly sha: Partial<Lanes>;
  readonly strings: StringComparison;
  readonly definitions: Readonly<Record<string, Definition>>;
}

export function defineExtensions(m: ModuleBuilder, nan: NanFunctions, soft: SoftFunctions): Extensions {
  const { single, double } = defineSoftLanes(m, nan, soft);
  const aes = defineAes(m);
  const sha = defineSha(m);
  const lanes: Lanes = {
    binary: { ...ssse3Binary, ...sse4Binary, ...aes.binary },
    unary: { ...sse3Unary, ...ssse3Unary, ...sse4Unary, ...aes.unary },
    binaryImm: { ...ssse3BinaryImm, ...sse4BinaryImm, ...definePclmul(m).binaryImm },
    unaryImm: aes.unaryImm,
    ternary: sse4Ternary,
    float: { ...sse3Float(single, double), ...sse4Float(m, soft, single, double) },
  };
  const strings = defineStrings(m);
  const definitions = {
    ...legacyForms(lanes, soft),
    ...legacyForms(sha, soft),
    ...sse3Moves,
    ...ssse3Mmx,
    ...sse4Definitions,
    ...stringDefinitions(strings),
    ...defineCrc(m),
  };
  return { lanes, sha, strings, definitions };
}
