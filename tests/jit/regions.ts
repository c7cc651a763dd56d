/** Small pieces of guest code, as bytes: what each is about, and where its computed jump leads. */

export const BASE = 0x10000;

export interface Sample {
  readonly name: string;
  /** What the code is. */
  readonly source: string;
  readonly hex: string;
  /** Offsets that the computed jump in it leads to. */
  readonly targets?: readonly number[];
  /** Offsets that a computed call is expected to lead to. */
  readonly expected?: readonly number[];
  /** Registers that take long if they are large. */
  readonly small?: readonly ("rcx" | "rdx" | "rdi")[];
}

export const samples: readonly Sample[] = [
  {
    name: "straight-line",
    source: "lea rax,[rdi+rsi*4+8]; imul rax,rsi; xor edx,edx; mov ecx,eax; shl rcx,3; sub rcx,rdi; ret",
    hex: "48 8d 44 b7 08  48 0f af c6  31 d2  89 c1  48 c1 e1 03  48 29 f9  c3",
  },
  {
    name: "loop",
    source: "xor eax,eax; l: add rax,[rdi]; add rdi,8; dec rsi; jnz l; ret",
    hex: "31 c0  48 03 07  48 83 c7 08  48 ff ce  75 f4  c3",
  },
  {
    name: "nested-loops",
    source: "xor eax,eax; o: mov ecx,edx; i: add eax,ecx; dec ecx; jnz i; dec edx; jnz o; ret",
    hex: "31 c0  89 d1  01 c8  ff c9  75 fa  ff ca  75 f4  c3",
    small: ["rdx"],
  },
  {
    name: "diamond",
    source: "cmp edi,esi; jl a; mov eax,edi; jmp b; a: mov eax,esi; b: add eax,1; ret",
    hex: "39 f7  7c 04  89 f8  eb 02  89 f0  83 c0 01  c3",
  },
  {
    name: "call",
    source: "push rbx; mov ebx,edi; call f; add eax,ebx; pop rbx; ret; f: lea eax,[rdi+1]; ret",
    hex: "53  89 fb  e8 04000000  01 d8  5b  c3  8d 47 01  c3",
  },
  {
    name: "expected-call",
    source: "push rbx; mov ebx,edi; mov eax,f; call rax; add eax,ebx; pop rbx; ret; f: lea eax,[rdi+1]; ret",
    hex: "53  89 fb  b8 0e000100  ff d0  01 d8  5b  c3  8d 47 01  c3",
    expected: [14],
  },
  {
    name: "recursion",
    source:
      "f: cmp edi,2; jge on; mov eax,edi; ret; on: push rbx; push rbp; mov ebx,edi; lea edi,[rdi-1]; call f; " +
      "mov ebp,eax; lea edi,[rbx-2]; call f; add eax,ebp; pop rbp; pop rbx; ret",
    hex: "83 ff 02  7d 03  89 f8  c3  53  55  89 fb  8d 7f ff  e8 ecffffff  89 c5  8d 7b fe  e8 e2ffffff  01 e8  5d  5b  c3",
    small: ["rdi"],
  },
  {
    name: "computed-jump",
    source: "l: movzx eax,byte [rdi]; inc rdi; jmp [rsi+rax*8]; t1: add edx,1; jmp l; t2: sub edx,1; jmp l; t3: ret",
    hex: "0f b6 07  48 ff c7  ff 24 c6  83 c2 01  eb f2  83 ea 01  eb ed  c3",
    targets: [9, 14, 19],
  },
  {
    name: "unknown-jump",
    source: "l: movzx eax,byte [rdi]; inc rdi; jmp [rsi+rax*8]",
    hex: "0f b6 07  48 ff c7  ff 24 c6",
  },
  {
    name: "computed-jumps-into-each-other",
    source:
      "test byte [rdi],1; jz b; a: movzx eax,byte [rdi+1]; inc rdi; jmp [rsi+rax*8]; " +
      "b: movzx eax,byte [rdi]; inc rdi; jmp [rsi+rax*8]; t: ret",
    hex: "f6 07 01  74 0a  0f b6 47 01  48 ff c7  ff 24 c6  0f b6 07  48 ff c7  ff 24 c6  c3",
    targets: [15, 24, 5],
  },
  {
    name: "read-modify-write",
    source: "add [rdi],esi; inc dword [rdi+4]; lock xadd [rdi+8],eax; ret",
    hex: "01 37  ff 47 04  f0 0f c1 47 08  c3",
  },
  {
    name: "flags-across-blocks",
    source: "cmp rdi,rsi; jb a; seta al; ret; a: setb al; ret",
    hex: "48 39 f7  72 04  0f 97 c0  c3  0f 92 c0  c3",
  },
  {
    name: "flags-of-two-kinds",
    source: "test edi,edi; jz m; cmp edi,5; m: setl al; ret",
    hex: "85 ff  74 03  83 ff 05  0f 9c c0  c3",
  },
  {
    name: "carry-through-inc",
    source: "l: mov rax,[rsi+rcx*8]; adc [rdi+rcx*8],rax; inc rcx; dec rdx; jnz l; ret",
    hex: "48 8b 04 ce  48 11 04 cf  48 ff c1  48 ff ca  75 f0  c3",
    small: ["rcx", "rdx"],
  },
  {
    name: "sse-scalar",
    source: "movsd xmm0,[rdi]; mulsd xmm0,xmm1; addsd xmm0,[rdi+8]; cvttsd2si eax,xmm0; ret",
    hex: "f2 0f 10 07  f2 0f 59 c1  f2 0f 58 47 08  f2 0f 2c c0  c3",
  },
  {
    name: "rep-movs",
    source: "rep movsq; ret",
    hex: "f3 48 a5  c3",
  },
  {
    name: "frame",
    source:
      "push rbp; mov rbp,rsp; sub rsp,32; mov [rbp-8],rdi; mov [rbp-16],rsi; mov rax,[rbp-8]; add rax,[rbp-16]; leave; ret",
    hex: "55  48 89 e5  48 83 ec 20  48 89 7d f8  48 89 75 f0  48 8b 45 f8  48 03 45 f0  c9  c3",
  },
];

export function bytesOf({ hex }: Sample): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.replace(/\s/g, "").match(/../g) ?? [], (b) => Number.parseInt(b, 16));
}
