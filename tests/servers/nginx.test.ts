// nginx with a master and two workers, served to clients of the host through published ports: static files, compression, ranges,
// an upstream, errors; reload, new log files, the end.

import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { get, many } from "./http.ts";
import { freePort, full, Session } from "./session.ts";

const text = "All work and no play makes Jack a dull boy.\n".repeat(500);
/** Three million bytes that look random, the same each time. */
const big = Buffer.concat(Array.from({ length: 93_750 }, (_, i) => createHash("sha256").update(String(i)).digest()));

const config = (name: string): string => `
daemon off;
worker_processes 2;
user root root;
pid /run/nginx.pid;
error_log /tmp/error.log info;
events { worker_connections 256; use epoll; }
http {
  types { text/html html; text/plain txt; }
  default_type application/octet-stream;
  access_log /tmp/access.log;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000;
  gzip on;
  gzip_types text/plain;
  server {
    listen 8080;
    root /w;
    add_header X-Name ${name};
    location /status { stub_status; }
    location /up/ { proxy_pass http://127.0.0.1:8081/; }
    location /down/ { proxy_pass http://127.0.0.1:8082/; }
    location ~ ^/re/(.*)$ { return 200 "matched $1"; }
  }
  server {
    listen 8081;
    root /w;
    location /x { return 200 "from upstream $uri"; }
  }
}
`;

let session: Session;
let port = 0;

beforeAll(async () => {
  port = await freePort();
  const files = { "nginx.conf": config("one"), "text.txt": text, "big.bin": big, "index.html": "<h1>hello</h1>\n" };
  session = Session.start({ ports: { 8080: port }, files, strace: !full });
  await session.sh("mkdir -p /srv /run; /s/nginx -c /w/nginx.conf & echo $! > /tmp/pid");
  await session.until("wget -q -O /dev/null http://127.0.0.1:8080/");
});

afterAll(async () => {
  await session?.end();
});

describe("nginx", () => {
  test("serves files", async () => {
    const page = await get(port, "/");
    expect(page.status).toBe(200);
    expect(page.headers["content-type"]).toBe("text/html");
    expect(page.headers["x-name"]).toBe("one");
    expect(page.body.toString()).toBe("<h1>hello</h1>\n");
    const plain = await get(port, "/text.txt");
    expect(plain.body.toString()).toBe(text);
    const { etag = "" } = plain.headers;
    expect((await get(port, "/text.txt", { "If-None-Match": etag })).status).toBe(304);
  });

  test("serves a large file, and parts of it", async () => {
    const whole = await get(port, "/big.bin");
    expect(whole.headers["content-length"]).toBe(String(big.length));
    expect(whole.body.equals(big)).toBe(true);
    const part = await get(port, "/big.bin", { Range: "bytes=1000000-1999999" });
    expect(part.status).toBe(206);
    expect(part.body.equals(big.subarray(1_000_000, 2_000_000))).toBe(true);
  });

  test("compresses", async () => {
    const { headers, body } = await get(port, "/text.txt", { "Accept-Encoding": "gzip" });
    expect(headers["content-encoding"]).toBe("gzip");
    expect(body.length).toBeLessThan(1000);
    expect(gunzipSync(body).toString()).toBe(text);
  });

  test("asks an upstream, matches paths, and says what is not there", async () => {
    expect((await get(port, "/up/x/y")).body.toString()).toBe("from upstream /x/y");
    expect((await get(port, "/up/big.bin")).body.equals(big)).toBe(true);
    expect((await get(port, "/re/abc")).body.toString()).toBe("matched abc");
    expect((await get(port, "/nothing")).status).toBe(404);
    // Nobody listens there.
    expect((await get(port, "/down/")).status).toBe(502);
    expect((await get(port, "/status")).body.toString()).toMatch(/^Active connections: \d+ \n/);
  });

  test("answers many requests over connections that stay open", { timeout: 300_000 }, async () => {
    const requests = full ? 10_000 : 1_000;
    const good = await many(port, "/", requests, 64, true, (r) => r.status === 200 && r.body.length === 15);
    expect(good).toBe(requests);
  });

  test("opens its logs anew on USR1", async () => {
    await session.sh("mv /tmp/access.log /tmp/access.old; kill -USR1 $(cat /tmp/pid)");
    await session.until("test -e /tmp/access.log");
    // The master makes the file, the workers follow.
    await sleep(300);
    await get(port, "/after");
    await session.until("grep -q 'GET /after' /tmp/access.log");
    await session.sh("! grep -q 'GET /after' /tmp/access.old");
  });

  test("reads its configuration anew on HUP, without losing anybody", async () => {
    const before = await session.sh("pidof nginx");
    await session.sh("sed 's/X-Name one/X-Name two/' /w/nginx.conf > /tmp/two; cat /tmp/two > /w/nginx.conf");
    // (A server may close a connection that stays open just when the next request is sent: hence new ones.)
    const loading = many(port, "/text.txt", 100, 4, false, (r) => r.status === 200);
    await session.sh("kill -HUP $(cat /tmp/pid)");
    expect(await loading).toBe(100);
    await session.until(`[ "$(pidof nginx | wc -w)" = 3 ] && [ "$(pidof nginx)" != "${before.trim()}" ]`);
    expect((await get(port, "/")).headers["x-name"]).toBe("two");
  });

  test("uses no processor time when there is nothing to do", { timeout: 60_000 }, async () => {
    // What was hot just now is still being optimised by the host in the background.
    await sleep(2000);
    const before = session.cpuTime();
    await sleep(full ? 10_000 : 2_000);
    expect(session.cpuTime() - before).toBeLessThanOrEqual(20);
  });

  test("ends on QUIT when all has been answered", async () => {
    // A connection that is not accepted yet when the server stops listening is reset, as everywhere.
    let last: ReturnType<typeof get> | undefined;
    await new Promise<void>((begun, failed) => {
      last = get(port, "/big.bin", {}, undefined, begun);
      last.catch(failed);
    });
    await session.sh("kill -QUIT $(cat /tmp/pid); wait $(cat /tmp/pid)");
    expect((await last)?.body.equals(big)).toBe(true);
    await expect(get(port, "/")).rejects.toThrow();
    expect(await session.sh("grep -E 'alert|emerg|crit' /tmp/error.log || true")).toBe("");
  });

  test.skipIf(full)("asked for nothing that is not there", () => {
    expect([...session.failures()].filter((failure) => /ENOSYS|EFAULT/.test(failure))).toEqual([]);
  });
});
