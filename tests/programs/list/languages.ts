/** Interpreters, compilers to machine code and virtual machines, and their own tests. */

import type { Program } from "../program.ts";

/** Modules of CPython's regression tests that need no network; the third list has the shortest of those that are left. */
const UNITTESTS: readonly string[] = [
  `abc abstract_numbers aifc array ast asyncgen atexit augassign base64 bigaddrspace binascii binop bisect bool buffer bufio
   builtin bytes calendar call cgi charmapcodec chunk class cmath cmd code codeccallbacks codecencodings_cn codecencodings_jp
   codecs codeop collections colorsys compare compile complex configparser contains contextlib copy copyreg coroutines csv`,
  `decorators defaultdict deque descr descrtut dict dict_version dictcomps dictviews difflib dis dynamic enum enumerate eof errno
   exception_hierarchy exception_variations exceptions extcall file fileinput filecmp float flufl fnmatch format fractions frame
   frozen fstring funcattrs functools future generator_stop generators genericalias genericclass genericpath genexps getopt glob
   global grammar graphlib hash hashlib heapq hmac html htmlparser`,
  `index int_literal ioctl ipaddress isinstance iter iterlen keyword keywordonlyarg linecache listcomps locale mailcap memoryio
   memoryview metaclass mimetypes module named_expressions netrc numeric_tower opcodes operator optparse patma pipes pkg pkgutil
   poll popen pprint print property pwd quopri reprlib richcmp rlcompleter sched scope select setcomps shlex slice sort string
   stringprep strptime structseq subclassinit super symtable syntax sys_setprofile textwrap time timeit types unpack userdict
   userlist utf8source uu wave`,
  `bz2 imaplib inspect int io itertools json largefile list long longexp lzma marshal math minidom mmap ordered_dict os pathlib
   pickle pickletools plistlib posix posixpath pow pstats pulldom pyclbr pyexpat queue random range re resource selectors set
   shelve shutil signal smtpd sqlite3 stat statistics strftime strtod struct sundry sys sys_settrace tarfile tempfile threading
   tokenize traceback tuple unicodedata urlparse userstring uuid weakref weakset with xmlrpc zipfile zipimport zlib`,
];
/** What was too slow, on a machine that did other work at the same time. */
const TOO_SLOW: readonly (string | undefined)[] = [
  "40 of the 44 modules; buffer, bytes, codecs and configparser had not ended after 100 s, on a busy machine",
  "48 of the 51 modules; deque, enum and glob had not ended after 300 s, on a busy machine",
];

export const languages: readonly Program[] = [
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
      script: `python3 $I/unittests.py 300 ${modules
        .split(/\s+/)
        .filter((name) => name !== "")
        .map((name) => `test_${name}`)
        .join(" ")}`,
      limit: 3600,
      qemu: false,
      ...(TOO_SLOW[n] === undefined ? {} : { differs: TOO_SLOW[n] }),
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
    script: `cp -a $S/perl/t t && ln -s $S/perl/lib lib && ln -s $S/perl/perl t/perl && ln -s $S/perl/dist dist && ln -s $S/perl/cpan cpan && ln -s $S/perl/ext ext; cd t
      for t in base/*.t cmd/*.t comp/[a-o]*.t op/[a-r]*.t; do case $t in op/alarm.t|op/bop.t|*sigdispatch.t|*/magic.t|*/fork.t|*/goto.t|*/groups.t|*/heredoc.t|*/pat*.t|*/getppid.t|*/rand.t) continue;; esac
        echo "$t $(timeout 60 ./perl $t 2>/dev/null </dev/null | awk '/^ok/ { o++ } /^not ok/ && !/# TODO/ { n = n " " $3 } END { print o + 0, "ok; not ok:" n }')"; done | head -140`,
    limit: 3600,
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
  {
    id: "lua-tests",
    group: "languages",
    what: "Lua 5.1's own tests, as a Lua in Go brings them: 20 files",
    script: `cp -a $S/golang-github-yuin-gopher-lua/_lua5.1-tests t && cd t && mkdir -p libs/P1; export LUA_INIT="package.path = '?;'..package.path" LUA_PATH='./?.lua;;'; for t in *.lua; do case $t in all.lua|main.lua|big.lua|checktable.lua) continue;; esac; echo "== $t"; timeout 100 lua5.1 $t 2>&1; echo $?; done`,
    drop: [/\d+\.\d+ sec/g, /on \d.*/g],
    limit: 600,
    qemu: false,
  },
  {
    id: "pip-venv",
    group: "languages",
    what: "python -m venv; pip install --no-index of a wheel and what it depends on",
    script: `python3 $I/wheels.py; python3 -m venv v && v/bin/pip install --no-index --find-links . greet 2>&1 && v/bin/greet && v/bin/pip list 2>/dev/null && v/bin/pip uninstall -y greet 2>&1 | tail -1`,
    limit: 900,
    qemu: false,
  },
  {
    id: "npm",
    group: "languages",
    what: "npm install of a local package, npm ls, npm run",
    script: `mkdir -p lib app && cd lib && printf '{"name":"lib","version":"1.2.3","main":"i.js","bin":{"lib":"b.js"}}' >package.json && echo 'module.exports = (n) => n * 2;' >i.js && printf '#!/usr/bin/env node\\nconsole.log("bin", require("lib")(21));\\n' >b.js; NPM="node $N/npm/bin/npm-cli.js --no-audit --no-fund --offline --no-update-notifier --cache /tmp/c"; cd ../app && printf '{"name":"app","version":"1.0.0","scripts":{"start":"lib \\\\u0026\\\\u0026 node -p \\\\"require(\\\\u0027lib\\\\u0027)(4)\\\\"","test":"exit 3"}}' >package.json; $NPM install ../lib --install-links 2>&1 | sed "s, in .*,," ; $NPM ls 2>&1; $NPM run start --silent; cat package-lock.json | head -12`,
    drop: [/_logs\/\S+/g],
    limit: 900,
    qemu: false,
  },
  {
    id: "node-addons",
    group: "languages",
    what: "Add-ons of Node.js in Rust: swc compiles and minifies, Lightning CSS transforms",
    script: `export NODE_PATH=$N; node -e 'const s = require("@swc/core"); console.log(s.transformSync("const f = async <T,>(x?: T) => x?.y ?? 1; export class A { #p = 1 }", { filename: "a.ts", jsc: { target: "es5", parser: { syntax: "typescript" } } }).code.length, s.minifySync("function  f(longname) { return longname + 1 } console.log(f(2))").code)'; node -e 'const l = require("lightningcss"); console.log(l.transform({ filename: "a.css", code: Buffer.from(".a { color: #ff0000; &:hover { inset: 0 } } @media (width >= 600px) { b { margin: 0px 0px } }"), minify: true, targets: { chrome: 80 << 16 } }).code.toString())'`,
    limit: 300,
    qemu: false,
  },
  {
    id: "duckdb",
    group: "languages",
    what: "DuckDB, an add-on of Node.js in C++: 100,000 rows, groups, an order",
    script: `NODE_PATH=$N node $I/duck.js`,
    limit: 300,
    qemu: false,
  },
  {
    id: "bun",
    group: "languages",
    what: "Bun: TypeScript, its test runner, bundler, server and SQLite",
    script: `B=$N/@oven/bun-linux-x64/bin/bun; $B --version; printf 'const n: number = [1, 2, 3].reduce((a, b) => a + b); console.log(n, Bun.hash("x").toString(16), (await import("node:os")).arch());' >a.ts; $B a.ts; printf 'import { test, expect } from "bun:test"; test("adds", () => expect(1 + 1).toBe(2));' >a.test.ts; $B test 2>&1 | grep -e pass -e fail; $B build a.ts --outfile o.js 2>&1 | grep -c Bundled; $B -e 'const s = Bun.serve({ port: 0, fetch: (r) => new Response("served " + new URL(r.url).pathname) }); console.log(await (await fetch(\`http://127.0.0.1:\${s.port}/x\`)).text()); s.stop()'; $B -e 'import { Database } from "bun:sqlite"; const d = new Database(":memory:"); d.run("create table t (a)"); for (let i = 0; i < 100; i++) d.run("insert into t values (?)", [i]); console.log(d.query("select sum(a) s from t").get())'`,
    drop: [/\[[\d.]+ms\]/g],
    limit: 200,
    qemu: false,
  },
  {
    id: "deno",
    group: "languages",
    what: "Deno: run, check, fmt, lint, a server, permissions",
    script: `D=$(find $N/@deno -name deno -type f); export DENO_NO_UPDATE_CHECK=1 NO_COLOR=1; $D --version; printf 'const n: number = [1, 2, 3].reduce((a, b) => a + b); console.log(n, Deno.build.arch); let s = 0; for (let i = 0; i < 3e6; i++) s += i %% 7; console.log(s);' >a.ts; $D run a.ts; $D check a.ts 2>&1; printf 'const  x = {a:1}' | $D fmt -; $D lint a.ts 2>&1 | tail -2; $D eval 'const s = Deno.serve({ port: 0, onListen() {} }, (r) => new Response("served " + new URL(r.url).pathname)); console.log(await (await fetch(\`http://127.0.0.1:\${s.addr.port}/x\`)).text()); await s.shutdown()'; $D run a.ts --deny 2>&1 | tail -1; $D eval 'Deno.readTextFileSync("/none")' 2>&1 | head -1`,
    differs:
      "its V8 reserves a cage of 4 GiB of addresses for C++ objects at the start, and a process here has 4 GiB in all",
    limit: 400,
    qemu: false,
  },
  {
    id: "mono",
    group: "languages",
    what: "mcs and mono: LINQ, tasks, a null reference",
    script: `mcs -out:h.exe $I/hello.cs && mono h.exe`,
    limit: 200,
    qemu: false,
  },
  {
    id: "pypy",
    group: "languages",
    what: "PyPy: a JIT inside",
    script: `pypy3 -c 'import sys, json, hashlib
print(sys.implementation.name, sum(i * i % 7 for i in range(10000000)), hashlib.md5(json.dumps(list(range(1000))).encode()).hexdigest())'`,
    limit: 120,
    qemu: false,
  },
  {
    id: "racket",
    group: "languages",
    what: "Racket: closures, hashes, exceptions",
    script: `racket -e '(define (f n) (if (< n 2) n (+ (f (- n 1)) (f (- n 2))))) (displayln (f 24)) (displayln (for/hash ([i 3]) (values i (* i i)))) (displayln (with-handlers ([exn:fail? exn-message]) (car 7)))'`,
    limit: 300,
    qemu: false,
  },
  {
    id: "chicken",
    group: "languages",
    what: "CHICKEN Scheme: csc by way of C, and csi",
    script: `echo '(define (f n) (if (< n 2) n (+ (f (- n 1)) (f (- n 2))))) (print (f 24))' >h.scm; csc -o h h.scm && ./h; csi -e '(print (expt 3 100))'`,
    limit: 200,
    qemu: false,
  },
  {
    id: "clisp",
    group: "languages",
    what: "CLISP",
    script: `clisp -q -norc -x '(progn (print (expt 7 50)) (print (sort (list 3 1 2) (function <))) (handler-case (car 7) (error (e) (print (type-of e)))))'`,
    differs: "it maps its heap at fixed addresses above 4 GiB, which processes here do not have",
    limit: 60,
    qemu: false,
  },
  {
    id: "prolog",
    group: "languages",
    what: "SWI-Prolog: findall, big integers, constraints over finite domains",
    script: `echo ":- use_module(library(clpfd))." >c.pl; swipl -g 'findall(X-Y, (between(1, 5, X), Y is X ** X), L), print(L), nl, length(Q, 3), length(Q, N), print(N), nl' -g 'catch(atom_length(_, _), error(E, _), (print(E), nl))' -g '[A, B] ins 1..9, A * B #= 35, A #< B, label([A, B]), print(A-B), nl' -t halt c.pl`,
    limit: 300,
    qemu: false,
  },
  {
    id: "elixir",
    group: "languages",
    what: "Elixir: Task.async_stream over 1000 processes",
    script: `elixir -e 'IO.inspect(1..1000 |> Task.async_stream(fn n -> n * n end) |> Enum.reduce(0, fn {:ok, n}, s -> s + n end)); IO.puts(String.upcase("done")); IO.inspect(try do raise "no" rescue e -> e.message end)'`,
    limit: 120,
    qemu: false,
  },
  {
    id: "octave",
    group: "languages",
    what: "Octave: eigenvalues, a linear system, FFT, by LAPACK and FFTW",
    script: `octave-cli --norc --no-history --eval 'A = [4 1; 2 3]; disp(eig(A)); disp(A \\ [1; 2]); disp(polyfit(1:5, [1 4 9 16 25], 2)); x = fft([1 2 3 4]); disp(x); try; error("id:x", "no"); catch e; disp(e.message); end; printf("%s\\n", strjoin({"a", "b"}, "-"))' 2>&1`,
    limit: 300,
    qemu: false,
  },
];
