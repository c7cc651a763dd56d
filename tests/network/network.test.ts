// The network beyond the machine, with Node's own sockets on the other side: published ports, connections out of the
// guest, and what is not let through.
import { createHash } from "node:crypto";
import * as dgram from "node:dgram";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as http from "node:http";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AWAIT, freePort, readAll, run, sleep, start } from "./guest.ts";

const timeout = 60_000;

function get(port: number, path = "/", host = "127.0.0.1"): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    http
      .get({ host, port, path, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
        response.on("error", reject);
      })
      .on("error", reject);
  });
}

describe("published ports", { timeout }, () => {
  test("a web server: files small and large, many clients, no CPU when idle, and ^C", async () => {
    const port = await freePort();
    const guest = start(
      ["-p", `127.0.0.1:${port}:80`],
      `${AWAIT} mkdir /w; echo hello > /w/index.html; seq 300000 > /w/n; httpd -f -p 80 -h /w & w 80; echo up; wait`,
    );
    await guest.says("up");
    expect((await get(port)).body.toString()).toBe("hello\n");
    expect((await get(port, "/none")).status).toBe(404);
    const all = await Promise.all(Array.from({ length: 6 }, () => get(port, "/n")));
    const sums = new Set(all.map(({ body }) => createHash("md5").update(body).digest("hex")));
    const want = Array.from({ length: 300_000 }, (_, i) => `${i + 1}\n`).join("");
    expect([...sums]).toEqual([createHash("md5").update(want).digest("hex")]);
    const ticks = (): number => {
      const fields = readFileSync(`/proc/${guest.child.pid}/stat`, "utf8").replace(/.*\) /, "").split(" ");
      return Number(fields[11]) + Number(fields[12]);
    };
    if (process.platform === "linux") {
      // V8 may still compile for a moment.
      await sleep(700);
      const before = ticks();
      await sleep(1000);
      // In hundredths of a second.
      expect(ticks() - before).toBeLessThanOrEqual(5);
    }
    guest.child.kill("SIGINT");
    expect(await guest.ended).toBe(130);
    await expect(get(port)).rejects.toThrow("ECONNREFUSED");
  });

  test("nobody listens in the guest; both directions; half close; who the client is", async () => {
    const port = await freePort();
    const second = await freePort();
    const guest = start(
      ["-p", `127.0.0.1:${port}:7001`, "-p", `127.0.0.1:${second}:7002`],
      `${AWAIT} nc -l -p 7001 -e sh -c 'netstat -tn | grep -E "ESTAB|CLOSE_WAIT" | grep -o "10.0.2.[0-9]*:" | sort -u; sort' & w 7001; echo up; wait`,
    );
    await guest.says("up");
    const refused = await readAll(net.connect(second, "127.0.0.1"));
    expect(refused.error).toBe("ECONNRESET");
    const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.write("b\na\n");
    socket.end("c\n");
    expect((await readAll(socket)).bytes.toString()).toBe("10.0.2.15:\n10.0.2.2:\na\nb\nc\n");
    expect(await guest.ended).toBe(0);
  });

  test("a client that does not read makes the guest wait, and then gets everything", async () => {
    const port = await freePort();
    const directory = mkdtempSync(join(tmpdir(), "tsrcore-net-"));
    const guest = start(
      ["-p", `127.0.0.1:${port}:7001`, "-v", `${directory}:/w`],
      `${AWAIT} (i=0; while [ $i -lt 48 ]; do head -c 524288 /dev/zero; i=$((i+1)); echo $i > /w/n; done) | nc -l -p 7001 & w 7001; echo up; wait`,
    );
    await guest.says("up");
    const socket = net.connect({ port, host: "127.0.0.1" });
    socket.pause();
    await once(socket, "connect");
    const progress = (): number => (existsSync(join(directory, "n")) ? Number(readFileSync(join(directory, "n"))) : 0);
    let seen = 0;
    for (let i = 0; i < 100; i++) {
      await sleep(300);
      const now = progress();
      if (now > 0 && now === seen) break;
      seen = now;
    }
    // What the host's two sockets and tsrcore hold, of 25 MB: the kernel's buffers are up to 4 and 6 MB.
    expect(seen * 524_288).toBeLessThan(16 << 20);
    const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${guest.child.pid}/status`, "latin1"))?.[1];
    let count = 0;
    socket.on("data", (chunk: Buffer) => {
      count += chunk.length;
    });
    socket.resume();
    await once(socket, "close");
    expect(count).toBe(48 * 524_288);
    const after = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${guest.child.pid}/status`, "latin1"))?.[1];
    // Kilobytes: nothing of the 25 MB has piled up.
    expect(Number(after) - Number(resident)).toBeLessThan(120_000);
    guest.child.kill("SIGTERM");
    await guest.ended;
    rmSync(directory, { recursive: true });
  });

  test("a guest that does not read makes the client wait", async () => {
    const port = await freePort();
    const guest = start(["-p", `127.0.0.1:${port}:7001`], `${AWAIT} nc -l -p 7001 -e sleep 20 & w 7001; echo up; wait`);
    await guest.says("up");
    const socket = net.connect({ port, host: "127.0.0.1" });
    socket.on("error", () => undefined);
    const block = Buffer.alloc(1 << 20);
    for (let i = 0; i < 40; i++) socket.write(block);
    await sleep(1500);
    // What has left is in the buffers of two sockets of the host, and in the guest's.
    expect(socket.bytesWritten - socket.writableLength).toBeLessThan(16 << 20);
    guest.child.kill("SIGKILL");
    await guest.ended;
    socket.destroy();
  });

  test("datagrams, with answers", async () => {
    const port = await freePort();
    const guest = start(
      ["-p", `127.0.0.1:${port}:7053/udp`],
      "nc -u -l -p 7053 -e cat & while ! netstat -lun | grep -q :7053; do usleep 10000; done; echo up; wait",
    );
    await guest.says("up");
    const socket = dgram.createSocket("udp4");
    socket.send("question", port, "127.0.0.1");
    const [answer] = (await once(socket, "message")) as [Buffer];
    expect(answer.toString()).toBe("question");
    socket.close();
    guest.child.kill("SIGTERM");
    await guest.ended;
  });

  test("a port that is taken, and options that make no sense", async () => {
    const taken = net.createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as net.AddressInfo;
    expect(await run(["-p", `127.0.0.1:${port}:80`], "echo never")).toEqual({
      status: 125,
      output: expect.stringMatching(/^tsrcore: -p: .*(in use|EADDRINUSE)/),
    });
    taken.close();
    for (const [options, message] of [
      [["-p", "80"], "expected [hostip:]host:guest"],
      [["-p", "1.2.3:80:80"], '"1.2.3" is not an address'],
      [["--network", "all"], "there are none, loopback, host"],
      [["--network", "none", "-p", "80:80"], "no port of the guest can be reached"],
      [["--allow-net", "example.com"], "use --network host"],
    ] as const) {
      const { status, output } = await run(options, "echo never");
      expect([status, output]).toEqual([125, expect.stringContaining(message)]);
    }
  });
});

describe("connections out of the guest", { timeout }, () => {
  let server: http.Server;
  let port: number;
  let requests = 0;
  const big = Buffer.alloc(3_000_000, "0123456789");

  beforeAll(async () => {
    server = http.createServer((request, response) => {
      requests++;
      if (request.url === "/big") response.end(big);
      else response.end(`hello ${request.headers["user-agent"]}\n`);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as net.AddressInfo).port;
  });
  afterAll(() => server.close());

  test("through the gateway, which is the host", async () => {
    const script = `wget -q -O - http://10.0.2.2:${port}/; wget -q -O - http://host.tsrcore.internal:${port}/big | md5sum; cat /etc/hostname`;
    const { status, output } = await run(["--network", "host", "--hostname", "box"], script);
    const sum = createHash("md5").update(big).digest("hex");
    expect({ status, output }).toEqual({ status: 0, output: `hello Wget\n${sum}  -\nbox\n` });
  });

  test("refused, half closed, reset", async () => {
    const free = await freePort();
    const echo = net.createServer({ allowHalfOpen: true }, (socket) => {
      const chunks: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => chunks.push(chunk));
      socket.on("end", () => socket.end(Buffer.concat(chunks).reverse()));
    });
    const resetting = net.createServer((socket) => {
      socket.once("data", () => socket.resetAndDestroy());
    });
    echo.listen(0, "127.0.0.1");
    resetting.listen(0, "127.0.0.1");
    await Promise.all([once(echo, "listening"), once(resetting, "listening")]);
    const portOf = (s: net.Server): number => (s.address() as net.AddressInfo).port;
    const script = `nc 10.0.2.2 ${free} < /dev/null; echo status $?; echo abc | nc 10.0.2.2 ${portOf(echo)}; echo; wget http://10.0.2.2:${portOf(resetting)}/`;
    const { output } = await run(["--network", "host"], script);
    expect(output).toContain("\ncba\n");
    expect(output).toContain("status 1\n");
    expect(output).toContain("Connection reset by peer");
    echo.close();
    resetting.close();
  });

  test("what is not allowed is not reached, and the host is not asked", async () => {
    const before = requests;
    const wget = `wget -T 5 -q -O - http://10.0.2.2:${port}/`;
    const unreachable = "wget: can't connect to remote host (10.0.2.2): Network unreachable\n";
    expect((await run([], wget)).output).toBe(unreachable);
    expect((await run(["--network", "none"], `${wget}; ping -c 1 127.0.0.1`)).output).toContain(unreachable);
    expect((await run(["-p", `127.0.0.1:${await freePort()}:80`], wget)).output).toContain("Host is unreachable");
    const denied = async (rule: string): Promise<void> => {
      const { output } = await run(["--network", "host", "--allow-net", rule], wget);
      expect(output).toContain("Permission denied");
    };
    await denied("10.0.0.0/8");
    await denied("localhost");
    // 127.0.0.1 is the guest's own.
    expect((await run(["--network", "host"], `wget -q -O - http://127.0.0.1:${port}/`)).output).toContain("refused");
    expect(requests).toBe(before);
    expect((await run(["--network", "host", "--allow-net", `10.0.2.2:${port}`], wget)).output).toBe("hello Wget\n");
    expect(requests).toBe(before + 1);
  });

  test("datagrams, and names that may not be asked for", async () => {
    const socket = dgram.createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    socket.on("message", (bytes, { port: from }) => socket.send(bytes.toString().toUpperCase(), from, "127.0.0.1"));
    const { output } = await run(
      ["--network", "host"],
      `(echo datagram; sleep 1) | timeout 3 nc -u 10.0.2.2 ${socket.address().port}`,
    );
    expect(output).toContain("DATAGRAM");
    socket.close();
    const names = await run(
      ["--network", "host", "--allow-net", "example.com:80"],
      "nslookup other.example 10.0.2.3; wget -q -O - http://other.example/",
    );
    expect(names.output).toContain("NXDOMAIN");
    expect(names.output).toContain("bad address");
  });

  test("the end of the guest does not lose what it has sent", async () => {
    const chunks: Buffer[] = [];
    const sink = net.createServer((socket) => socket.on("data", (chunk: Buffer) => chunks.push(chunk)));
    sink.listen(0, "127.0.0.1");
    await once(sink, "listening");
    const file = join(mkdtempSync(join(tmpdir(), "tsrcore-net-")), "data");
    writeFileSync(file, big);
    const to = (sink.address() as net.AddressInfo).port;
    await run(["--network", "host", "-v", `${file}:/data`], `nc 10.0.2.2 ${to} < /data & sleep 1; exit`);
    await sleep(200);
    expect(Buffer.concat(chunks).length).toBe(big.length);
    sink.close();
  });
});
