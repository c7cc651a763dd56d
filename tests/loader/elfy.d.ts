/** What of elfy's result the test looks at; the package has no types. */
declare module "elfy" {
  interface Program {
    readonly type: string | undefined;
    readonly offset: number;
    readonly vaddr: number;
    readonly paddr: number;
    readonly filesz: number;
    readonly memsz: number;
    readonly align: number;
    readonly flags: { readonly r?: boolean; readonly w?: boolean; readonly x?: boolean };
    readonly data: Buffer;
  }
  interface Elf {
    readonly type: string;
    readonly entry: number;
    readonly phoff: number;
    readonly flags: number;
    readonly body: { readonly programs: readonly Program[] };
  }
  const elfy: { parse(bytes: Buffer): Elf };
  export default elfy;
}
