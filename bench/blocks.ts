/**
 * Writes the assembly source of a program with a given number of distinct basic blocks, each executed a given number of
 * times: what a program's start-up looks like, code that is barely warm.
 *
 *     npx tsx bench/blocks.ts > blocks.S; gcc -nostdlib -static -o blocks blocks.S
 *
 * Functions of a few dozen blocks call nothing and are called in turn by a driver that runs through all of them; its
 * argument is the number of passes. Blocks differ in their instructions and in how they end: by a conditional jump that is taken,
 * or not, or a plain jump; where each goes is fixed, so that every block runs exactly once per pass. The sum
 * in the end is written to standard output as 16 hexadecimal digits.
 */
import { stdout } from "node:process";

const BLOCKS = 50_000;
const PER_FUNCTION = 40;

/** xorshift32: the same program every time. */
function generator(seed: number): (below: number) => number {
  let x = seed;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}

const random = generator(2463534242);
const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
const REGISTERS = ["rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11"];
const reg = (): string => pick(REGISTERS);
const slot = (): string => `${8 * random(512)}(%rdi)`;
const constant = (): number => random(0x7fff_ffff);

const INSTRUCTIONS: readonly (() => string)[] = [
  () => `add %${reg()}, %${reg()}`,
  () => `xor %${reg()}, %${reg()}`,
  () => `sub %${reg()}, %${reg()}`,
  () => `add $${constant()}, %${reg()}`,
  () => `xor $${constant()}, %${reg()}`,
  () => `rol $${1 + random(63)}, %${reg()}`,
  () => `shr $${1 + random(15)}, %${reg()}`,
  () => `lea ${random(4096)}(%${reg()}, %${reg()}, ${pick([1, 2, 4, 8])}), %${reg()}`,
  () => `imul $${constant()}, %${reg()}, %${reg()}`,
  () => `mov ${slot()}, %${reg()}`,
  () => `add ${slot()}, %${reg()}`,
  () => `mov %${reg()}, ${slot()}`,
  () => `movzbl ${slot()}, %${pick(["eax", "ecx", "edx", "esi"])}`,
];

/** The end of a block: its successor comes next in the text, or after some bytes that are never reached. */
function end(next: string, out: string): readonly string[] {
  const never = "ud2";
  switch (random(5)) {
    case 0:
      return [`jmp ${next}`, never];
    // Unsigned, nothing is below zero.
    case 1:
      return [`cmp $0, %${reg()}`, `jae ${next}`, never];
    case 2:
      return [`cmp $0, %${reg()}`, `jb ${out}`];
    case 3:
      return [`test %rdi, %rdi`, `jnz ${next}`, never];
    default:
      return [`test %rsp, %rsp`, `jz ${out}`];
  }
}

function generate(): string {
  const text: string[] = [".text", ".globl _start"];
  const functions = Math.ceil(BLOCKS / PER_FUNCTION);
  for (let f = 0; f < functions; f++) {
    text.push(`f${f}:`);
    for (let b = 0; b < PER_FUNCTION; b++) {
      const name = (block: number): string => `.Lb${f * PER_FUNCTION + block}`;
      text.push(`${name(b)}:`);
      for (let i = 2 + random(5); i > 0; i--) text.push(pick(INSTRUCTIONS)());
      if (b < PER_FUNCTION - 1) text.push(...end(name(b + 1), `.Lout${f}`));
    }
    text.push("ret", `.Lout${f}: ud2`);
  }
  text.push(
    `_start:
    mov $20, %ebp
    cmpq $2, (%rsp)
    jb 3f
    # The argument: a decimal number.
    mov 16(%rsp), %rsi
    xor %ebp, %ebp
1:  movzbl (%rsi), %eax
    test %eax, %eax
    jz 3f
    imul $10, %rbp
    lea -48(%rbp, %rax), %rbp
    inc %rsi
    jmp 1b
3:  lea data(%rip), %rdi
    mov $1, %eax
    ${REGISTERS.slice(1)
      .map((name) => `xor %${name}, %${name}`)
      .join("\n    ")}
4:  lea table(%rip), %rbx
    mov $${functions}, %r12d
5:  call *(%rbx)
    add $8, %rbx
    dec %r12d
    jnz 5b
    dec %ebp
    jnz 4b
    ${REGISTERS.slice(1)
      .map((name) => `add %${name}, %rax`)
      .join("\n    ")}
    # Sixteen digits and a line feed.
    lea 16(%rdi), %rsi
    movb $10, (%rsi)
6:  mov %eax, %ecx
    and $15, %ecx
    add $48, %ecx
    cmp $57, %ecx
    jbe 7f
    add $39, %ecx
7:  dec %rsi
    mov %cl, (%rsi)
    shr $4, %rax
    cmp %rdi, %rsi
    ja 6b
    mov $17, %edx
    mov $1, %edi
    mov $1, %eax
    syscall
    xor %edi, %edi
    mov $60, %eax
    syscall
    .data
    .balign 64
table:`,
  );
  for (let f = 0; f < functions; f++) text.push(`.quad f${f}`);
  text.push(".bss", ".balign 64", "data: .skip 4096", '.section .note.GNU-stack,"",@progbits');
  return `${text.join("\n")}\n`;
}

stdout.write(generate());
