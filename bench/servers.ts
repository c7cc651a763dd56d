/**
 * Throughput of servers: the same nginx and redis natively, by qemu-user and in tsrcore, with clients of the host that are the
 * same for all.
 *
 *     npx tsx bench/servers.ts [--bin tsrcore.mjs] [--requests n] [--rounds n] [--only nginx,redis]
 *
 * Needs test-binaries/servers/build.sh (for redis-benchmark), ab (Debian's apache2-utils) and qemu-x86_64-static. All servers run
 * at the same time, and rounds take turns, so that a busy machine is busy for all of them. The first round counts apart: it is the one in
 * which code is translated. CPU time is of the server with all its processes, per request.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { built, freePort, isBuilt } from "../tests/servers/session.ts";
import { repository } from "./suite/measure.ts";
import { table } from "./suite/table.ts";

const { values: options } = parseArgs({
  options: {
    bin: { type: "string", default: join(repository, "bin/tsrcore.mjs") },
    requests: { type: "string", default: "10000" },
    rounds: { type: "string", default: "4" },
    only: { type: "string", default: "nginx,redis" },
  },
});
const requests = Number(options.requests);
const rounds = Number(options.rounds);
const programs = join(repository, "test-binaries/servers/bin");
const directory = mkdtempSync(join(tmpdir(), "tsrcore-bench-"));

interface Server {
  readonly engine: string;
  readonly port: number;
  readonly child: ChildProcess;
}

/** CPU time in seconds of a process and its descendants. */
function cpuTime(pid: number): number {
  const fields = (of: number): string[] => {
    try {
      return readFileSync(`/proc/${of}/stat`, "utf8")
        .replace(/^.*\) /, "")
        .split(" ");
    } catch {
      return [];
    }
  };
  let ticks = 0;
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  const parents = new Map(all.map((of) => [of, Number(fields(of)[1])]));
  for (const of of all) {
    let at: number | undefined = of;
    while (at !== undefined && at > 1 && at !== pid) at = parents.get(at);
    if (at === pid) ticks += Number(fields(of)[11] ?? 0) + Number(fields(of)[12] ?? 0);
  }
  return ticks / 100;
}

async function listening(port: number): Promise<void> {
  for (let i = 0; i < 200; i++) {
    const socket = connect(port, "127.0.0.1");
    const up = await new Promise<boolean>((resolve) => {
      socket.on("connect", () => resolve(true));
      socket.on("error", () => resolve(false));
    });
    socket.destroy();
    if (up) return;
    await sleep(100);
  }
  throw new Error(`nobody listens on port ${port}`);
}

/** Starts a server under each engine. `command` gets the port, a directory for files, and where programs are. */
async function start(command: (port: number, files: string, programs: string) => readonly string[]): Promise<Server[]> {
  const servers: Server[] = [];
  for (const engine of ["native", "qemu", "tsrcore"]) {
    const port = await freePort();
    const files = join(directory, engine);
    mkdirSync(files, { recursive: true });
    let argv: readonly string[];
    if (engine === "tsrcore") {
      const inner = command(8080, "/w", "/s").map((word) => `'${word}'`);
      const mounts = ["-v", `${files}:/w`, "-v", `${programs}:/s:ro`, "-p", `127.0.0.1:${port}:8080`];
      argv = [process.execPath, options.bin, "run", ...mounts, "sh", "-c", `mkdir -p /srv; exec ${inner.join(" ")}`];
    } else {
      argv = [...(engine === "qemu" ? ["qemu-x86_64-static"] : []), ...command(port, files, programs)];
    }
    const child = spawn(argv[0] as string, argv.slice(1), { stdio: ["ignore", "ignore", "inherit"] });
    await listening(port);
    servers.push({ engine, port, child });
  }
  return servers;
}

/** Runs a client and finds a number in what it prints. */
function client(command: readonly string[], pattern: RegExp): number {
  const { stdout, status, error } = spawnSync(command[0] as string, command.slice(1), { encoding: "utf8" });
  const found = pattern.exec(stdout ?? "");
  if (status !== 0 || found === null) throw error ?? new Error(`${command.join(" ")}:\n${stdout}`);
  return Number(found[1]);
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** Requests per second by engine, and how that compares with qemu. */
async function compare(
  title: string,
  command: Parameters<typeof start>[0],
  load: (port: number) => number,
  perRound: number,
): Promise<void> {
  const servers = await start(command);
  const results = servers.map(() => ({ rates: [] as number[], cpu: [] as number[] }));
  for (let round = 0; round < rounds + 1; round++) {
    for (const [i, { port, child }] of servers.entries()) {
      const before = cpuTime(child.pid ?? 0);
      results[i]?.rates.push(load(port));
      results[i]?.cpu.push(((cpuTime(child.pid ?? 0) - before) / perRound) * 1e6);
    }
  }
  for (const { child } of servers) child.kill("SIGTERM");
  const warm = results.map(({ rates }) => median(rates.slice(1)));
  const qemu = warm[1] ?? Number.NaN;
  const rows = servers.map(({ engine }, i) => [
    engine,
    Math.round(results[i]?.rates[0] ?? 0).toString(),
    Math.round(warm[i] ?? 0).toString(),
    ((warm[i] ?? 0) / qemu).toFixed(2),
    median(results[i]?.cpu.slice(1) ?? []).toFixed(1),
  ]);
  console.log(`\n${title}\n\n${table(["", "first round", "requests/s", "qemu = 1", "CPU us/request"], rows)}`);
}

const nginxConfig = (port: number, files: string): string => `
daemon off; worker_processes 2; user root root;
pid ${files}/pid; error_log ${files}/error.log;
events { worker_connections 256; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  client_body_temp_path ${files}/t1; proxy_temp_path ${files}/t2;
  server { listen ${port}; root ${files}; }
}
`;

try {
  if (options.only.includes("nginx")) {
    const command = (port: number, files: string, at: string): readonly string[] => {
      const host = files === "/w" ? join(directory, "tsrcore") : files;
      writeFileSync(join(host, "index.html"), "x".repeat(612));
      writeFileSync(join(host, "nginx.conf"), nginxConfig(port, files));
      return [`${at}/nginx`, "-c", `${files}/nginx.conf`, "-e", `${files}/error.log`];
    };
    const load = (port: number): number => {
      const ab = ["ab", "-q", "-k", "-n", String(requests), "-c", "64", `http://127.0.0.1:${port}/index.html`];
      const all = `Failed requests: +0\\n(?!.*Non-2xx)[^]*Requests per second: +([\\d.]+)`;
      return client(ab, new RegExp(all));
    };
    await compare(`nginx, ${requests} requests over 64 connections`, command, load, requests);
  }
  if (options.only.includes("redis")) {
    if (!isBuilt("bin/redis-benchmark")) throw new Error("run test-binaries/servers/build.sh redis first");
    const amount = requests * 20;
    const command = (port: number, files: string, at: string): readonly string[] => {
      const where = ["--dir", files, "--save", "", "--logfile", `${files}/log`];
      return [`${at}/redis-server`, "--port", String(port), "--bind", "0.0.0.0", "--protected-mode", "no", ...where];
    };
    for (const name of ["SET", "GET"]) {
      const load = (port: number): number => {
        const args = ["-p", String(port), "-P", "16", "-n", String(amount), "--csv", "-t", name.toLowerCase()];
        return client([join(built, "bin/redis-benchmark"), ...args], new RegExp(`"${name}","([\\d.]+)"`));
      };
      await compare(`redis ${name}, pipelines of 16`, command, load, amount);
    }
  }
} finally {
  await sleep(500);
  rmSync(directory, { recursive: true, force: true });
}
