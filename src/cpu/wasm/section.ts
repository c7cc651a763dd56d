/** Custom sections: bytes under a name that a module carries along. */
import { ByteSink } from "./sink.ts";

/** The module with one more at its end. */
export function withSection(module: Uint8Array, name: string, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const content = new ByteSink();
  content.name(name);
  content.bytes(bytes);
  const out = new ByteSink();
  out.bytes(module);
  out.byte(0);
  out.u32(content.length);
  out.bytes(content.view());
  return out.view().slice();
}
