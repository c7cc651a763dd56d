/**
 * The functions of the vdso on x86_64. The time stamp counter counts nanoseconds of the host's monotonic clock here, so
 * time is that and an offset, which the data page has: of the monotonic clocks first, then of those of real time.
 */
import { EM_X86_64 } from "../abi/elf.ts";
import { buildVdso, REALTIME_OFFSET, type VdsoFunction } from "./vdso.ts";

/** rax: the counter. */
const READ_COUNTER = [
  ...[0x0f, 0x31], //                               rdtsc
  ...[0x48, 0xc1, 0xe2, 0x20], //                   shl rdx, 32
  ...[0x48, 0x09, 0xd0], //                         or rax, rdx
] as const;

/** rax: seconds, rdx: nanoseconds, of the nanoseconds in rax. */
const SPLIT = [
  ...[0x31, 0xd2], //                               xor edx, edx
  ...[0xb9, 0x00, 0xca, 0x9a, 0x3b], //             mov ecx, 1000000000
  ...[0x48, 0xf7, 0xf1], //                         div rcx
] as const;

const ADD_REALTIME = [0x48, 0x03, 0x05, { data: REALTIME_OFFSET }] as const; // add rax, [rip + ...]

const RETURN_0 = [0x31, 0xc0, 0xc3] as const; //       xor eax, eax; ret

const systemCall = (number: number): number[] => [0xb8, number, 0, 0, 0, 0x0f, 0x05, 0xc3]; // mov eax, ...; syscall; ret

/** Bit n: clock n is the counter and an offset: real time, monotonic, raw, coarse ones, boot time, TAI. */
const CLOCKS = 0x8f3;
/** Bit n: clock n is one of real time. */
const REALTIME_CLOCKS = 0x821;
const bytes = (value: number): number[] => [value & 0xff, value >>> 8, 0, 0];

const clockGettime: VdsoFunction["code"] = [
  ...[0x83, 0xff, 0x0b], //                         cmp edi, 11
  ...[0x77, 0x43], //                               ja other
  ...[0xb8, ...bytes(CLOCKS)], //                   mov eax, CLOCKS
  ...[0x0f, 0xa3, 0xf8], //                         bt eax, edi
  ...[0x73, 0x39], //                               jnc other
  ...[0x4c, 0x8d, 0x05, { data: 0 }], //            lea r8, [rip + ...]
  ...[0xb8, ...bytes(REALTIME_CLOCKS)], //          mov eax, REALTIME_CLOCKS
  ...[0x0f, 0xa3, 0xf8], //                         bt eax, edi
  ...[0x48, 0x19, 0xc9], //                         sbb rcx, rcx
  ...[0x48, 0xf7, 0xd9], //                         neg rcx
  ...[0x4d, 0x8b, 0x04, 0xc8], //                   mov r8, [r8 + rcx * 8]
  ...READ_COUNTER,
  ...[0x4c, 0x01, 0xc0], //                         add rax, r8
  ...SPLIT,
  ...[0x48, 0x89, 0x06], //                         mov [rsi], rax
  ...[0x48, 0x89, 0x56, 0x08], //                   mov [rsi + 8], rdx
  ...RETURN_0,
  ...systemCall(228), //                            other: CPU time, alarms, and what is no clock
];

const gettimeofday: VdsoFunction["code"] = [
  ...[0x48, 0x85, 0xff], //                         test rdi, rdi
  ...[0x74, 0x2c], //                               jz zone
  ...READ_COUNTER,
  ...ADD_REALTIME,
  ...SPLIT,
  ...[0x48, 0x89, 0x07], //                         mov [rdi], rax
  ...[0x89, 0xd0], //                               mov eax, edx
  ...[0x31, 0xd2], //                               xor edx, edx
  ...[0xb9, 0xe8, 0x03, 0x00, 0x00], //             mov ecx, 1000
  ...[0xf7, 0xf1], //                               div ecx
  ...[0x48, 0x89, 0x47, 0x08], //                   mov [rdi + 8], rax
  ...[0x48, 0x85, 0xf6], //                         zone: test rsi, rsi
  ...[0x74, 0x07], //                               jz done
  ...[0x48, 0xc7, 0x06, 0, 0, 0, 0], //             mov qword ptr [rsi], 0
  ...RETURN_0, //                                   done:
];

const time: VdsoFunction["code"] = [
  ...READ_COUNTER,
  ...ADD_REALTIME,
  ...SPLIT,
  ...[0x48, 0x85, 0xff], //                         test rdi, rdi
  ...[0x74, 0x03], //                               jz done
  ...[0x48, 0x89, 0x07], //                         mov [rdi], rax
  0xc3, //                                          done: ret
];

/** There is one processor. */
const getcpu: VdsoFunction["code"] = [
  ...[0x31, 0xc0], //                               xor eax, eax
  ...[0x48, 0x85, 0xff], //                         test rdi, rdi
  ...[0x74, 0x02], //                               jz node
  ...[0x89, 0x07], //                               mov [rdi], eax
  ...[0x48, 0x85, 0xf6], //                         node: test rsi, rsi
  ...[0x74, 0x02], //                               jz done
  ...[0x89, 0x06], //                               mov [rsi], eax
  0xc3, //                                          done: ret
];

const FUNCTIONS: Readonly<Record<string, VdsoFunction["code"]>> = {
  clock_gettime: clockGettime,
  gettimeofday,
  time,
  getcpu,
  clock_getres: systemCall(229),
};

export function vdsoX86_64(): Uint8Array<ArrayBuffer> {
  const functions = Object.entries(FUNCTIONS).map(([name, code]) => ({ name: `__vdso_${name}`, code }));
  return buildVdso({ machine: EM_X86_64, soname: "linux-vdso.so.1", version: "LINUX_2.6", functions });
}
