; nasm -f elf64
global _start
section .data
text: db "hello from nasm", 10
size equ $ - text
section .text
_start:
  mov eax, 1
  mov edi, 1
  lea rsi, [rel text]
  mov edx, size
  syscall
  mov eax, 60
  mov edi, 9
  syscall
