/**
 * What is run: shell scripts in the root that build-root.sh makes, in /work of which nothing is kept. $I is the directory
 * input/ beside this file, $S that of unpacked sources, $N that of npm's packages.
 */

export type Group = "compilers" | "rust" | "languages" | "tools" | "system";

export interface Program {
  readonly id: string;
  readonly group: Group;
  readonly what: string;
  readonly script: string;
  /** Files whose contents are compared, too: a pattern of the shell. */
  readonly files?: string;
  /** Seconds. */
  readonly limit: number;
  /** What differs from run to run in the output. */
  readonly drop?: readonly RegExp[];
  /** Not under qemu-user: it takes too long for what it tells, or runs what was compiled, which has no mark. */
  readonly qemu?: false;
  /** Why the result is another than natively, for the table. */
  readonly differs?: string;
  /** In the short form, which has no root of its own but the machine's: the commands that it needs. */
  readonly needs?: readonly string[];
}

const TIMES = /\d+(\.\d+)? ?(ms|s|sec|seconds|minutes)\b/g;

const compilers: readonly Program[] = [
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
];

const rust: readonly Program[] = [
  {
    id: "rustc-hello",
    group: "rust",
    what: "rustc of hello world, and running it",
    script: "rustc -O $I/hello.rs && ./hello",
    limit: 300,
  },
  {
    id: "rustc-threads",
    group: "rust",
    what: "rustc of a program with threads, a HashMap, a channel and a panic that is caught",
    script: "rustc -O $I/threads.rs && ./threads",
    limit: 400,
  },
  {
    id: "cargo",
    group: "rust",
    what: "cargo build, run and test --offline of a small crate",
    script: "cp -r $I/crate . && cd crate && cargo build --offline && cargo run --offline -q && cargo test --offline",
    drop: [/[\d.]+s\b/g, /-[0-9a-f]{16}/g],
    limit: 500,
  },
];

/** Modules of CPython's regression tests that need no network and take less than a few seconds each. */
const UNITTESTS: readonly string[] = [
  `abc abstract_numbers aifc array ast asyncgen atexit augassign base64 bigaddrspace binascii binop bisect bool buffer bufio builtin
   bytes calendar call cgi charmapcodec chunk class cmath cmd code codeccallbacks codecencodings_cn codecencodings_jp codecs codeop
   collections colorsys compare compile complex configparser contains contextlib copy copyreg coroutines csv`,
  `decorators defaultdict deque descr descrtut dict dict_version dictcomps dictviews difflib dis dynamic enum enumerate eof
   errno exception_hierarchy exception_variations exceptions extcall file fileinput filecmp float flufl fnmatch format fractions frame
   frozen fstring funcattrs functools future generator_stop generators genericalias genericclass genericpath genexps getopt glob global
   grammar graphlib hash hashlib heapq hmac html htmlparser`,
  `imaplib index inspect int int_literal io ioctl ipaddress isinstance iter iterlen itertools json keyword keywordonlyarg largefile
   linecache list listcomps locale long longexp lzma bz2 zlib mailcap marshal math memoryio memoryview metaclass mimetypes minidom mmap
   module named_expressions netrc numeric_tower opcodes operator optparse ordered_dict os`,
  `pathlib patma pickle pickletools pipes pkg pkgutil plistlib poll popen posix posixpath pow pprint print property pstats pulldom
   pwd pyclbr pyexpat queue quopri random range re reprlib resource richcmp rlcompleter sched scope select selectors set setcomps shelve
   shlex shutil signal slice smtpd sort sqlite3 stat statistics strftime string stringprep strptime strtod struct structseq subclassinit
   sundry super symtable syntax sys sys_setprofile sys_settrace tarfile tempfile textwrap threading time timeit tokenize traceback tuple
   types unicodedata unpack urlparse userdict userlist userstring utf8source uu uuid wave weakref weakset with xmlrpc zipfile zipimport`,
];

const languages: readonly Program[] = [
  {
    id: "python-print",
    group: "languages",
    what: "python3 -c 'print(1)'",
    script: "/usr/bin/python3 -c 'print(1)'",
    needs: ["/usr/bin/python3"],
    limit: 20,
  },
  {
    id: "python-work",
    group: "languages",
    what: "Python: json, decimal, regular expressions, hashes, dates",
    script: `python3 -c '
import json, decimal, re, hashlib, datetime, random, statistics, zlib, struct
random.seed(7)
data = [{"n": i, "f": random.random(), "s": "x" * (i % 10)} for i in range(5000)]
text = json.dumps(data)
print(len(text), hashlib.sha256(text.encode()).hexdigest(), json.loads(text) == data, zlib.crc32(text.encode()))
decimal.getcontext().prec = 60
print(decimal.Decimal(2).sqrt(), len(re.findall(r"0\\.\\d*7", text)), datetime.date(2026, 11, 20).isocalendar())
print(statistics.stdev(d["f"] for d in data), struct.pack("<dIh", 0.1, 7, -2).hex())'`,
    limit: 60,
  },
  {
    id: "python-asyncio",
    group: "languages",
    what: "Python: asyncio, multiprocessing by fork and spawn, thread pool",
    script: "python3 $I/asyncio_echo.py",
    limit: 120,
  },
  {
    id: "python-tls",
    group: "languages",
    what: "Python's https server; urllib, curl and wget as its clients",
    script: "python3 $I/tls.py",
    limit: 200,
  },
  {
    id: "python-sqlite3",
    group: "languages",
    what: "Python's sqlite3 module",
    script: "python3 $I/sqlite.py",
    files: "test.db",
    limit: 60,
  },
  ...UNITTESTS.map(
    (modules, n): Program => ({
      id: `python-tests-${n + 1}`,
      group: "languages",
      what: `CPython's own tests: ${modules.split(/\s+/).filter((name) => name !== "").length} modules, test by test`,
      script: `python3 $I/unittests.py 100 ${modules
        .split(/\s+/)
        .filter((name) => name !== "")
        .map((name) => `test_${name}`)
        .join(" ")}`,
      limit: 1800,
      qemu: false,
    }),
  ),
  {
    id: "perl",
    group: "languages",
    what: "Perl: JSON, formats, sort, sprintf, fork and pipe",
    script: `perl -MJSON::PP -MDigest::SHA=sha256_hex -MList::Util=sum -e '
    my @a = map { ($_ * 7919) % 10007 } 1 .. 20000; print sum(@a), " ", (sort { $a <=> $b } @a)[777], "\\n"; my $j = JSON::PP->new->canonical;
    my $t = $j->encode({ list => [@a[0 .. 500]], name => "x" }); print sha256_hex($t), "\\n"; print length($j->encode($j->decode($t))), "\\n";
    open(my $p, "-|", "echo from a child; exit 3"); print <$p>; close $p; print $? >> 8, "\\n"; if (my $pid = fork) { waitpid $pid, 0; print $? >> 8, "\\n" } else { exit 5 }'`,
    needs: ["perl"],
    limit: 60,
  },
  {
    id: "perl-tests",
    group: "languages",
    what: "Perl's own tests: cmd, base, comp and op, the first 140 files",
    script: `cp -a $S/perl/t t && ln -s $S/perl/lib lib && ln -s $S/perl/perl perl && ln -s $S/perl/dist dist && ln -s $S/perl/cpan cpan && ln -s $S/perl/ext ext; cd t
      for t in base/*.t cmd/*.t comp/[a-o]*.t op/[a-r]*.t; do case $t in op/alarm.t|op/bop.t|*sigdispatch.t|*/magic.t|*/fork.t|*/goto.t|*/groups.t|*/heredoc.t|*/pat*.t|*/getppid.t|*/rand.t) continue;; esac
        echo "$t $(timeout 60 ./perl $t 2>/dev/null </dev/null | awk '/^ok/ { o++ } /^not ok/ && !/# TODO/ { n = n " " $3 } END { print o + 0, "ok; not ok:" n }')"; done | head -140`,
    limit: 1800,
    qemu: false,
  },
  {
    id: "lua",
    group: "languages",
    what: "Debian's lua5.4: coroutines, string patterns, closures, garbage",
    script: `lua5.4 -e 'local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) print(co(), co(), co())
    print(("key = value"):match("(%w+) = (%w+)")) local t = setmetatable({}, { __index = function(_, k) return k * 2 end }) print(t[21])
    local s = 0 for i = 1, 3000000 do s = s + i % 7 end print(s) for i = 1, 200000 do local x = { i } end collectgarbage() print(math.type(3 // 2), 7 / 2, pcall(error, { 1 }) )'`,
    drop: [/0x[0-9a-f]+/g],
    limit: 60,
  },
  {
    id: "luajit",
    group: "languages",
    what: "LuaJIT: a JIT inside",
    script: `luajit -e 'local s = 0 for i = 1, 2e8 do s = s + bit.band(i, 7) end print(s) local ffi = require "ffi" ffi.cdef "int printf(const char *, ...);" ffi.C.printf("%d\\n", ffi.new("int", 42)) io.flush()'`,
    limit: 60,
  },
  {
    id: "ruby",
    group: "languages",
    what: "Ruby: hashes, blocks, threads, fibers, regular expressions",
    script: `ruby -e 'puts RUBY_VERSION; h = Hash.new(0); 100000.times { |i| h[i % 97] += i }; puts h.values.sum; t = 4.times.map { |n| Thread.new { (1..1000).sum * n } }; p t.map(&:value)
    f = Fiber.new { 3.times { |i| Fiber.yield i } }; p 3.times.map { f.resume }; p "a1b22".scan(/[a-z]\\d+/); require "json"; puts({ a: [1, nil] }.to_json); begin; raise "no"; rescue => e; p e; end; puts \`echo child\`'`,
    limit: 90,
  },
  {
    id: "ruby-server",
    group: "languages",
    what: "Ruby: a web server of sockets, and curl",
    script: `ruby -rsocket -e 's = TCPServer.new("127.0.0.1", 8099); pid = spawn("curl -sS http://127.0.0.1:8099/x"); c = s.accept; l = c.gets; c.write "HTTP/1.0 200 OK\\r\\n\\r\\nyou said #{l}"; c.close; Process.wait pid; puts $?.exitstatus'`,
    limit: 90,
  },
  {
    id: "php",
    group: "languages",
    what: "PHP: arrays, closures, preg, json, and its web server",
    script: `php -r '$a = []; for ($i = 0; $i < 200000; $i++) $a[($i * 7919) % 10007] = $i; ksort($a); echo count($a), " ", md5(json_encode(array_values($a))), "\\n"; echo preg_replace_callback("/\\d+/", fn($m) => $m[0] * 2, "a1b22"), "\\n";' &&
    echo '<?php echo "served: ", $_GET["q"], "\\n";' >index.php; php -S 127.0.0.1:8098 2>/dev/null & sleep 2; curl -sS --retry 10 --retry-connrefused --retry-delay 1 'http://127.0.0.1:8098/?q=7'; kill %1; wait`,
    limit: 90,
  },
  {
    id: "node-print",
    group: "languages",
    what: "node -e: V8, its JIT and its WebAssembly inside",
    script:
      "node -e 'let s = 0; for (let i = 0; i < 3e6; i++) s += i % 7; console.log(s, [3, 1, 2].sort().join(), process.version)'",
    limit: 200,
  },
  {
    id: "node-jitless",
    group: "languages",
    what: "node --jitless",
    script: "node --jitless -e 'console.log(6 * 7, require(\"os\").arch())'",
    needs: ["node"],
    limit: 120,
  },
  {
    id: "node-server",
    group: "languages",
    what: "Node.js: http server and clients, a worker, a child, zlib, crypto",
    script: "node $I/server.js",
    limit: 300,
  },
  { id: "java-version", group: "languages", what: "java -version", script: "java -version", limit: 120 },
  {
    id: "java-hello",
    group: "languages",
    what: "javac and java: streams, a thread pool, a null pointer",
    script: "javac -d . $I/Hello.java && java -cp . Hello",
    limit: 400,
  },
  {
    id: "java-interpreted",
    group: "languages",
    what: "java -Xint",
    script: "java -Xint -Xshare:auto $I/Hello.java",
    limit: 600,
  },
  {
    id: "go-build",
    group: "languages",
    what: "go build of goroutines and a nil dereference that is recovered, and running it",
    script: "export GOCACHE=/tmp/go GOFLAGS=-mod=mod GO111MODULE=off; go build -o hello $I/hello.go && ./hello",
    limit: 900,
    qemu: false,
  },
  {
    id: "guile",
    group: "languages",
    what: "Guile",
    script:
      "/usr/lib/x86_64-linux-gnu/guile/3.0/bin/guile -c '(display (let loop ((n 30) (a 0) (b 1)) (if (= n 0) a (loop (- n 1) b (+ a b)))))' || guile-3.0 -c '(display 1)'",
    limit: 60,
  },
  {
    id: "tcl",
    group: "languages",
    what: "Tcl",
    script:
      "echo 'set s 0; for {set i 0} {$i < 200000} {incr i} {incr s [expr {$i % 7}]}; puts $s; puts [exec echo child]; puts [lsort -integer {3 1 2}]; puts [regexp -inline {a(.)} xaby]' | tclsh",
    limit: 60,
  },
  {
    id: "ocaml",
    group: "languages",
    what: "ocamlopt and ocaml",
    script:
      "echo 'let rec f n = if n < 2 then n else f (n-1) + f (n-2) let () = Printf.printf \"%d\\n\" (f 27)' >f.ml; ocamlfind ocamlopt f.ml 2>/dev/null || ocamlc -o f f.ml && ./f; ocaml f.ml",
    limit: 60,
  },
  {
    id: "sbcl",
    group: "languages",
    what: "SBCL: compiles to machine code as it reads",
    script: `sbcl --noinform --non-interactive --eval '(defun f (n) (if (< n 2) n (+ (f (- n 1)) (f (- n 2)))))' --eval '(print (f 27))' --eval '(handler-case (car 7) (error (e) (print (type-of e))))' --eval '(print (loop for i from 1 to 100 sum (expt i 20)))'`,
    limit: 120,
  },
  {
    id: "erlang",
    group: "languages",
    what: "Erlang: 10,000 processes",
    script: `erl -noshell -eval 'S = self(), [spawn(fun() -> S ! N * N end) || N <- lists:seq(1, 10000)], io:format("~p~n", [lists:sum([receive X -> X end || _ <- lists:seq(1, 10000)])]), halt().'`,
    limit: 120,
  },
  {
    id: "gawk",
    group: "languages",
    what: "gawk and mawk: a word count, arrays sorted, printf, getline from a pipe",
    script: `for a in gawk mawk; do $a 'BEGIN { srand(7); for (i = 0; i < 300000; i++) c[i % 1013] += i; for (k in c) s += c[k] % 97; printf "%d %.6f\\n", s, exp(1); "echo piped" | getline x; print x, toupper(x), substr(x, 2, 3), match(x, /p+/) }'; done`,
    limit: 60,
  },
  {
    id: "bc",
    group: "languages",
    what: "bc: 300 digits of pi",
    script: "echo 'scale=300; 4*a(1)' | bc -l",
    needs: ["bc"],
    limit: 30,
  },
];

const tools: readonly Program[] = [
  {
    id: "esbuild",
    group: "tools",
    what: "esbuild (Go, static) bundles and minifies",
    script: `printf 'import { f } from "./b"; console.log(f<number>(7));' >a.ts; printf 'export const f = <T,>(x: T): T[] => [x];\\nexport const unused = 1;' >b.ts; $N/@esbuild/linux-x64/bin/esbuild a.ts --bundle --minify --sourcemap --outfile=out.js --log-level=warning; cat out.js`,
    files: "out.js out.js.map",
    limit: 120,
  },
  {
    id: "tsgo",
    group: "tools",
    what: "tsgo (Go) type-checks a file",
    script: `printf 'const n: number = "seven";\\nfunction f(x: { a?: string }) { return x.a.length; }\\nexport {};' >a.ts; $N/@typescript/native-preview-linux-x64/lib/tsgo --strict --noEmit --pretty false a.ts`,
    limit: 200,
  },
  {
    id: "biome",
    group: "tools",
    what: "biome (Rust, musl) formats and lints",
    script: `printf 'const  x = {a:1,b : [1,2,3]}\\nif(x.a == 1){debugger}' >a.js; B=$N/@biomejs/cli-linux-x64-musl/biome; $B format --write a.js 2>&1; cat a.js; $B lint a.js 2>&1`,
    drop: [/[\d.]+ ?(ms|s|µs)\b/g],
    files: "a.js",
    limit: 120,
  },
  {
    id: "dprint",
    group: "tools",
    what: "dprint (Rust, musl): version and help (its plugins come from the network)",
    script:
      "D=$N/@dprint/linux-x64-musl/dprint; $D --version; $D help | head -30; cd /tmp; $D output-file-paths 2>&1 | head -5",
    limit: 60,
  },
  {
    id: "oxlint",
    group: "tools",
    what: "oxlint (Rust, musl) lints",
    script: `printf 'const x = 1;\\nif (x = 2) { debugger; }\\nfor (const k in []) ;' >a.js; $N/@oxlint/linux-x64-musl/oxlint --threads 2 a.js`,
    drop: [/[\d.]+ ?(ms|s|µs)\b/g],
    limit: 120,
  },
  {
    id: "git",
    group: "tools",
    what: "git: init, commit, branch, merge, rebase, gc, clone, fsck, blame",
    script: `export GIT_AUTHOR_DATE='2026-01-01T00:00:00Z' GIT_COMMITTER_DATE='2026-01-01T00:00:00Z'; git config --global user.name A; git config --global user.email a@b; git config --global init.defaultBranch main
      git init -q r && cd r && for i in 1 2 3 4 5 6; do seq $i 40 >f$i; git add . && git commit -qm "c$i"; done; git checkout -qb side HEAD~2 && echo x >>f1 && git commit -qam side && git checkout -q main && git merge -q side -m merged; git log --oneline --graph;
      git gc -q && git fsck && git count-objects -v | grep packs; git rebase -q HEAD~3 2>&1; git stash list; git blame f1 | tail -2; git clone -q . ../c && cd ../c && git log --format=%H | head -1 && git diff HEAD~1 --stat && git grep -c 7`,
    needs: ["git"],
    limit: 120,
  },
  {
    id: "git-http",
    group: "tools",
    what: "git clone over http from a server on loopback",
    script: `export GIT_AUTHOR_DATE='2026-01-01T00:00:00Z' GIT_COMMITTER_DATE='2026-01-01T00:00:00Z'; git -c init.defaultBranch=main init -q r && cd r && seq 100 >f && git add f && git -c user.name=a -c user.email=a@b commit -qm one && git update-server-info && cd .. &&
      (python3 -m http.server 8097 --bind 127.0.0.1 >/dev/null 2>&1 & echo $! >pid); until curl -s -o /dev/null http://127.0.0.1:8097/; do sleep 0.2; done; git clone -q http://127.0.0.1:8097/r/.git c && git -C c log --oneline && sha256sum c/f; kill $(cat pid)`,
    limit: 120,
  },
  {
    id: "bash-tests",
    group: "tools",
    what: "bash's own tests, by its own comparison",
    script: `cp -a $S/bash/tests t && for p in recho zecho printenv xcase; do gcc -O1 -w -DHAVE_STDLIB_H -DHAVE_STRING_H -DHAVE_UNISTD_H -DHAVE_LOCALE_H -DHAVE_SETLOCALE -o t/$p $S/bash/support/$p.c -I$S/bash; done; cd t; export THIS_SH=/bin/bash TMPDIR=/tmp PATH=$PWD:$PATH BASH_TSTOUT=/tmp/out
      for x in run-*; do case $x in run-all|run-minimal|run-gprof|run-jobs|run-read|run-trap|run-execscript|run-exec|run-history|run-intl|run-redir|run-test|run-printf|run-set-e-test) continue;; esac; echo "$x: $(timeout 60 sh $x 2>&1 </dev/null | sed 's/[0-9][0-9][0-9][0-9]*/N/g' | sha256sum | cut -c1-16)"; done`,
    limit: 1200,
    qemu: false,
  },
  {
    id: "vim",
    group: "tools",
    what: "vim -es: search, replace, macros, undo",
    script: `seq 30 >f; printf '%%s/1/one/g\\n5,9d\\nnormal ggqaA!\\033jq3@a\\ng/^2/m$\\nsort\\nundo\\nwq\\n' >s; vim -u NONE -N -es f <s; cat f`,
    files: "f",
    limit: 60,
  },
  {
    id: "vim-pty",
    group: "tools",
    what: "vim and less in a pseudo-terminal of script(1)",
    script: `seq 60 >f; (sleep 2; printf 'iTyped \u001b'; sleep 1; printf ':wq\\r'; sleep 1) | timeout 20 script -qc 'stty rows 24 cols 80; vim -u NONE f' /dev/null >screen; head -2 f; grep -c Typed screen; (sleep 2; printf 'G'; sleep 1; printf 'q'; sleep 1) | timeout 20 script -qc 'stty rows 24 cols 80; less f' /dev/null >screen; grep -a -o '60' screen | head -1`,
    files: "f",
    limit: 60,
    qemu: false,
  },
  {
    id: "tmux",
    group: "tools",
    what: "tmux: a session, two panes, keys sent, its screen captured",
    script: `tmux -f /dev/null new-session -d -x 80 -y 24 'PS1="$ " sh'; sleep 1; tmux send-keys 'echo $((6*7)); tty' Enter; tmux split-window -h 'PS1="# " sh'; sleep 1; tmux send-keys 'stty size' Enter; sleep 2; tmux capture-pane -p -t 0 | head -5; tmux capture-pane -p -t 1 | head -3; tmux list-panes -F '#{pane_index} #{pane_width}x#{pane_height}'; tmux kill-server`,
    limit: 60,
    qemu: false,
  },
  {
    id: "openssl",
    group: "tools",
    what: "openssl: digests, ciphers, RSA, EC, X25519, certificates",
    script: `seq 20000 >f; openssl dgst -sha256 -sha512 f; for d in sha256 sha3-512 blake2b512 md5; do openssl dgst -$d f; done; for c in aes-256-cbc aes-128-ctr chacha20 camellia-256-cbc; do openssl enc -$c -pbkdf2 -pass pass:x -S 0102030405060708 -in f -out f.$c && openssl enc -d -$c -pbkdf2 -pass pass:x -S 0102030405060708 -in f.$c | cmp - f && sha256sum f.$c; done
      openssl genrsa -out k 2048 2>/dev/null && openssl dgst -sha256 -sign k -out s f && openssl rsa -in k -pubout -out p 2>/dev/null && openssl dgst -sha256 -verify p -signature s f; openssl ecparam -name prime256v1 -genkey -noout -out e && openssl dgst -sha256 -sign e -out s f && openssl ec -in e -pubout -out p 2>/dev/null && openssl dgst -sha256 -verify p -signature s f
      openssl req -x509 -newkey ed25519 -nodes -keyout ck -out cc -subj /CN=x -days 3 2>/dev/null && openssl verify -CAfile cc cc; openssl s_client </dev/null -connect 127.0.0.1:1 2>&1 | grep -c refused`,
    limit: 120,
  },
  {
    id: "openssl-tls",
    group: "tools",
    what: "openssl s_client to s_server: TLS 1.2 and 1.3",
    script: `openssl req -x509 -newkey rsa:2048 -nodes -keyout k -out c -subj /CN=localhost -days 3 2>/dev/null; openssl s_server -accept 4434 -key k -cert c -www -quiet >/dev/null 2>&1 & until (exec 3<>/dev/tcp/127.0.0.1/4434) 2>/dev/null; do sleep 0.2; done
      for v in tls1_2 tls1_3; do printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 20 openssl s_client -connect 127.0.0.1:4434 -$v -CAfile c -verify_return_error -ign_eof 2>/dev/null | grep -a -E '^(    (Protocol|Cipher)|New,|Verify return)' | sort -u; done; kill %1; wait 2>/dev/null`,
    limit: 60,
  },
  {
    id: "openssl-speed",
    group: "tools",
    what: "openssl speed runs through (its figures are not compared)",
    script:
      "for a in sha256 aes-128-gcm; do openssl speed -seconds 1 -bytes 1024 -evp $a 2>/dev/null | grep -c -i '^aes.*k$\\|^sha.*k$'; done",
    limit: 60,
  },
  {
    id: "ssh-keygen",
    group: "tools",
    what: "ssh-keygen: three kinds of key, fingerprints, a certificate",
    script: `for t in ed25519 rsa ecdsa; do ssh-keygen -q -t $t -N '' -C c -f k.$t && ssh-keygen -y -f k.$t | cmp - k.$t.pub && ssh-keygen -l -f k.$t | cut -d' ' -f1,3-; done; ssh-keygen -q -s k.ed25519 -I id -n root k.rsa.pub && ssh-keygen -L -f k.rsa-cert.pub | grep -e Type -e Principals -A1 | head -3`,
    drop: [/SHA256:\S+/g],
    limit: 120,
  },
  {
    id: "ssh",
    group: "tools",
    what: "sshd, and ssh and scp to it over loopback",
    script: `mkdir -p ~/.ssh /run/sshd && chmod 700 /root ~/.ssh && ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519 && cp ~/.ssh/id_ed25519.pub ~/.ssh/authorized_keys && ssh-keygen -q -t ed25519 -N '' -f hk; printf 'Port 2222\\nListenAddress 127.0.0.1\\nHostKey /work/hk\\nUsePAM no\\nStrictModes no\\nSubsystem sftp internal-sftp\\n' >conf
      /usr/sbin/sshd -f conf -E log; until (exec 3<>/dev/tcp/127.0.0.1/2222) 2>/dev/null; do sleep 0.2; done; o="-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"; timeout 60 ssh -p 2222 $o root@127.0.0.1 'echo over ssh $((6*7)); cat; exit 4' <$I/hello.c; echo $?; timeout 60 scp -P 2222 $o root@127.0.0.1:$I/work.c copy.c; cmp copy.c $I/work.c && echo same; kill $(cat /run/sshd.pid)`,
    limit: 120,
    qemu: false,
  },
  {
    id: "sqlite3",
    group: "tools",
    what: "sqlite3: 100,000 rows, an index, joins, WAL, vacuum, integrity",
    script: "sqlite3 test.db <$I/workload.sql",
    files: "test.db",
    limit: 120,
  },
  {
    id: "imagemagick",
    group: "tools",
    what: "ImageMagick: draw, blur, resize, convert between formats",
    script: `convert -size 320x240 gradient:red-blue -swirl 90 -blur 0x2 a.ppm && convert a.ppm -resize 50% -rotate 30 b.png && convert b.png -colorspace gray c.jpg && identify -format '%m %wx%h %[channels]\\n' a.ppm b.png c.jpg && convert b.png rgba:- | sha256sum`,
    files: "a.ppm c.jpg",
    limit: 120,
  },
  {
    id: "ffmpeg",
    group: "tools",
    what: "ffmpeg: a test picture and tone, encoded, decoded, its frames hashed",
    script: `ffmpeg -v error -y -threads 1 -f lavfi -i testsrc=size=160x120:rate=10:duration=2 -f lavfi -i sine=frequency=440:duration=2 -c:v mpeg4 -c:a flac -flags +bitexact -fflags +bitexact -threads 1 out.mkv && ffmpeg -v error -threads 1 -i out.mkv -f framemd5 - | tail -8; ffprobe -v error -show_entries stream=codec_name,width,height,sample_rate out.mkv`,
    files: "out.mkv",
    limit: 240,
  },
  {
    id: "gdb",
    group: "tools",
    what: "gdb on a guest's program: breakpoint, backtrace, step, registers, watchpoint",
    script: `gcc -g -O0 -no-pie $I/work.c -o w -lm; gdb -nx -batch -iex 'set debuginfod enabled off' -ex 'break make' -ex run -ex bt -ex 'info locals' -ex next -ex 'print p' -ex 'print $rip' -ex 'disable' -ex 'watch line[0]' -ex 'delete' -ex continue ./w 2>&1`,
    drop: [/0x7[0-9a-f]{11}|0xf[0-9a-f]{7}/g, /process \d+/g, /Inferior.*/g],
    limit: 120,
    qemu: false,
  },
  {
    id: "strace",
    group: "tools",
    what: "strace inside the guest",
    script: `strace -f -o log -e trace=openat,write,execve,clone,vfork,wait4 sh -c 'echo one; cat $I/hello.c | wc -l'; grep -c . log >/dev/null && grep -o 'write(1, "[a-z0-9\\\\]*"' log; strace -c true 2>&1 | head -1; sleep 2 & strace -p $! -o other; grep -c exit other; wait; echo done`,
    drop: [/strace: .*/g],
    limit: 60,
    qemu: false,
  },
  {
    id: "coreutils",
    group: "tools",
    what: "sort, join, sha*sum, split, tr, od, seq, numfmt, factor, shuf, dd, tac, comm",
    script: `seq 200000 | sort -R --random-source=/usr/bin/env | sort -n | sha256sum; seq 1000 | split -l 100 - part && ls part* | wc -l; factor 18446744073709551557 99999999999; seq 5 | tac | paste -sd+ | bc; head -c 300000 /usr/bin/env | od -An -tx1 | md5sum; printf '1\\n2\\n' >a; printf '2\\n3\\n' >b; comm a b; join a b; numfmt --to=iec 123456789; date -d @0 -u; dd if=/dev/zero bs=4k count=100 2>/dev/null | b2sum; shuf -i 1-100 --random-source=/usr/bin/env | head -3; stat -c '%s %a %F' $I/hello.c; df / >/dev/null; tsort <<<'a b b c'; csplit -s $I/work.c 10 20 && wc -c xx*`,
    limit: 60,
  },
  {
    id: "archives",
    group: "tools",
    what: "tar, gzip, bzip2, xz, zstd, zip, unzip, cpio by busybox, there and back",
    script: `cp -a $S/zlib z && for c in gzip bzip2 xz zstd; do tar --sort=name --mtime=@0 --owner=0 --group=0 -I $c -cf z.$c z && tar -tf z.$c | wc -l && mkdir d.$c && tar -xf z.$c -C d.$c && diff -r z d.$c/z && echo same; done; zip -qrX z.zip z && mkdir u && unzip -q z.zip -d u && diff -r z u/z && echo same; xz -9 -k -T1 z/ChangeLog && sha256sum z/ChangeLog.xz`,
    limit: 200,
  },
  {
    id: "text-tools",
    group: "tools",
    what: "grep -P, sed, diff, patch-like ed, find, xargs -P, jq, xxd, file, less",
    script: `grep -rP '\\bint\\s+\\w+\\(' $S/zlib --include=*.c -h | sort | head -5; sed -E 's/([a-z]+) ([a-z]+)/\\2 \\1/;5q' $S/zlib/README; diff -u --label a --label b <(seq 10) <(seq 2 11); printf '2d\\nw\\nq\\n' | ed -s <(seq 3) ; find $S/zlib -name '*.c' -size +10k | sort | head -3; seq 20 | xargs -P4 -n3 echo | sort | head -3; echo '{"a":[1,{"b":2}]}' | jq -c '.a[1].b, (.a|length), [paths]'; echo hello | xxd; file /usr/bin/env $I/hello.c | cut -c1-80; less $I/hello.c | tail -2`,
    limit: 60,
  },
  {
    id: "rsync",
    group: "tools",
    what: "rsync -a, a change, a dry run",
    script:
      "rsync -a $S/zlib/ a/ && echo x >>a/README && rsync -ai --no-t --checksum a/ b/ | wc -l && rsync -ain --delete --checksum $S/zlib/ b/ && diff -r a b && echo same",
    drop: [/[.>]f\S* /g],
    limit: 60,
  },
  {
    id: "apt",
    group: "tools",
    what: "apt-get and dpkg: a package installed from a local repository made here",
    script: `mkdir -p p/DEBIAN p/usr/bin repo && printf '#!/bin/sh\\necho installed\\n' >p/usr/bin/greet && chmod 755 p/usr/bin/greet && printf 'Package: greet\\nVersion: 1\\nArchitecture: all\\nMaintainer: a <a@b>\\nDescription: x\\n' >p/DEBIAN/control && dpkg-deb --root-owner-group -b p repo/greet.deb && mkdir -p /var/lib/dpkg/updates /var/lib/dpkg/info && touch /var/lib/dpkg/status && dpkg -i repo/greet.deb 2>&1 | grep -v warning && greet && dpkg -l greet | tail -1 && dpkg -r greet && ls /usr/bin/greet`,
    limit: 60,
  },
  {
    id: "postgres",
    group: "tools",
    what: "PostgreSQL 15: initdb, server, a query, stop",
    script: `mkdir -p /tmp/pg && chown nobody /tmp/pg && cd /tmp/pg && setpriv --reuid=65534 --clear-groups bash -c 'B=/usr/lib/postgresql/15/bin; export PGDATA=/tmp/pg/d; $B/initdb -A trust -U me --no-sync >log 2>&1 || tail -3 log; $B/pg_ctl -w -o "-k /tmp -h \\"\\" -c dynamic_shared_memory_type=mmap" -l server.log start >/dev/null || tail -5 server.log; psql=$B/psql; $psql -h /tmp -U me postgres -Atc "create table t as select i, md5(i::text) m from generate_series(1, 20000) i; create index on t (m); select count(*), min(m), max(m) from t; select i from t order by m limit 3" ; $B/pg_ctl -m fast stop | tail -1'`,
    limit: 240,
    qemu: false,
  },
  {
    id: "valgrind",
    group: "tools",
    what: "valgrind: a translator inside",
    script: "gcc -g $I/hello.c -o h && valgrind -q ./h",
    drop: [/==\d+==/g],
    differs: "valgrind maps its own memory at fixed addresses above 4 GiB, which processes here do not have",
    limit: 120,
    qemu: false,
  },
  {
    id: "busybox-tools",
    group: "tools",
    what: "Debian's busybox: httpd and wget over loopback, vi's ex commands, awk, dc",
    script: `mkdir w && echo page >w/index.html; busybox httpd -p 127.0.0.1:8096 -h w; busybox wget -q -O - http://127.0.0.1:8096/; busybox dc -e '2 3 ^ p' || true; busybox sh -c 'echo $((1<<40))'; busybox awk 'BEGIN { print length("abc") }'`,
    limit: 30,
  },
];

const system: readonly Program[] = [
  {
    id: "adduser",
    group: "system",
    what: "adduser, passwd, su, id, groups; files of the new user",
    script: `adduser --disabled-password --gecos 'A User' alice >/dev/null 2>&1; echo $?; echo 'alice:secret' | chpasswd; echo $?; id alice; getent passwd alice; su alice -c 'id -un; cd; pwd; touch f; ls -l f | cut -c1-10; echo no >/etc/passwd'; su - alice -s /bin/sh -c 'echo $HOME $USER'; deluser alice >/dev/null 2>&1; id alice`,
    limit: 60,
  },
  {
    id: "cron",
    group: "system",
    what: "cron runs a job at the next minute",
    script: `mkdir -p /var/spool/cron/crontabs && printf '* * * * * root echo "ran as $(id -un)" >/work/ran\\n' >/etc/cron.d/job; cron; for i in $(seq 75); do [ -e ran ] && break; sleep 1; done; sleep 0.2; cat ran`,
    limit: 120,
    qemu: false,
  },
  {
    id: "init-login",
    group: "system",
    what: "busybox init as process 1: a getty-less login shell, a respawned service, shutdown",
    script: `printf '::sysinit:/bin/echo sysinit\\n::wait:/bin/sh -c "hostname; echo wait $$"\\n::once:script -qc "login -f root" /dev/null </dev/null\\n::shutdown:/bin/echo bye\\n' >/etc/inittab; echo 'id -un; echo "login shell $0"; exit' >/root/.bash_login; timeout -s KILL 20 unshare -pf --mount-proc --kill-child sh -c 'exec 2>&1; (sleep 4; kill -USR2 1) & exec busybox init' </dev/null | grep -v -e reboot -e 'system halted' -e TERM -e KILL -e 'last login' -e linux -e debian -i`,
    differs:
      "there are no PID namespaces, and the first process is not number 1 but its child, so busybox init refuses",
    limit: 60,
    qemu: false,
  },
  {
    id: "login",
    group: "system",
    what: "login -f in a pseudo-terminal of script(1): a login shell, its profile, its terminal, job control",
    script: `printf 'id -un; echo "$0 $HOME $LOGNAME"; tty >/dev/null && echo terminal; stty -a | head -1 | cut -c1-30; sleep 100 &\\njobs; kill %%1; wait; exit 3\\n' >/root/.bash_login; script -qec 'stty rows 24 cols 80; login -f root' /dev/null </dev/null | grep -v -i -e linux -e debian -e 'last login' -e warranty -e law | tr -d '\\r'`,
    drop: [/\[1\] \d+/g],
    limit: 60,
    qemu: false,
  },
  {
    id: "procps",
    group: "system",
    what: "ps, pgrep, pkill, top -b, free, uptime, vmstat, mount, df, lscpu run through",
    script: `sleep 100 & ps -o comm,stat,ppid= --ppid $BASHPID | grep -c sleep; pgrep -c sleep; pkill sleep; wait; top -b -n1 | grep -c PID; free -b | wc -l; uptime | grep -c load; vmstat | wc -l; mount | grep -c proc; df -P / | wc -l; lscpu | grep Architecture | tr -s " "; nproc --all >/dev/null && echo ok; w -h | wc -l; ps aux | head -1; pidof sleep; ls /proc/self/task | wc -l`,
    limit: 60,
    qemu: false,
  },
  {
    id: "namespaces",
    drop: [/line \d+: +\d+/g],
    group: "system",
    what: "chroot, setpriv, nice, timeout, nohup, flock, mkfifo, unshare of mounts",
    script: `setpriv --reuid=1000 --regid=1000 --clear-groups id; nice -n 5 nice; timeout 0.3 sleep 5; echo $?; mkfifo p; (echo through >p &) ; cat p; (flock 9; echo locked) 9>l; chroot / /bin/echo rooted; timeout -s INT 1 sh -c 'trap "echo int; exit 3" INT; sleep 5 & wait'; echo $?; (ulimit -f 1; dd if=/dev/zero of=big bs=4k count=3 2>/dev/null; echo $?); (ulimit -n 8; exec 9>x) 2>&1 | tail -1 | sed 's/.*line [0-9]*: //'; sh -c 'kill -SEGV $$'; echo $?`,
    limit: 60,
  },
];

export const programs: readonly Program[] = [...compilers, ...rust, ...languages, ...tools, ...system];

/** The script with what is around it: where it works, and the hashes of the files that it made. */
export function fullScript({ script, files }: Program): string {
  const hashes = files === undefined ? "" : `; sha256sum ${files}`;
  return `mkdir -p /work; cd /work; export I=/programs/input S=/programs/src N=/programs/npm\n( ${script}\n)\nstatus=$?${hashes}\nexit $status`;
}

export function normalised({ drop = [] }: Program, output: string): string {
  return drop.reduce((text, pattern) => text.replace(pattern, "…"), output);
}
