// Debian's own packages of nginx and redis, with glibc, in a root directory of nothing but packages (long form only:
// test-binaries/servers/build.sh debian).

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { get } from "./http.ts";
import { RedisClient } from "./resp.ts";
import { built, freePort, full, isBuilt, Session } from "./session.ts";

const there = isBuilt("debian/usr/sbin/nginx");
if (full && !there) console.warn("skipped: no packages; run test-binaries/servers/build.sh debian");

describe.skipIf(!full || !there)("Debian's packages", () => {
  let session: Session;
  let http = 0;
  let port = 0;

  beforeAll(async () => {
    http = await freePort();
    port = await freePort();
    session = Session.start({ ports: { 80: http, 6379: port }, files: {}, root: `${built}/debian` });
  });

  afterAll(async () => {
    await session?.end();
  });

  test("nginx, with the configuration that it comes with", async () => {
    await session.sh("nginx -v 2>&1 | grep 1.22; echo '<h1>here</h1>' > /var/www/html/index.html; nginx");
    await session.until("test -s /run/nginx.pid");
    const page = await get(http, "/");
    expect(page.headers["server"]).toBe("nginx/1.22.1");
    expect(page.body.toString()).toBe("<h1>here</h1>\n");
    expect((await get(http, "/nothing")).status).toBe(404);
    await session.sh("nginx -s quit; while test -e /run/nginx.pid; do sleep 0.1; done");
  });

  test("redis, with jemalloc and its own Lua modules", async () => {
    await session.sh(
      "redis-server --bind 0.0.0.0 --protected-mode no --dir /tmp --logfile /tmp/log --daemonize yes",
      60,
    );
    await session.until("redis-cli ping");
    const redis = await RedisClient.connect(port);
    expect(await redis.call("SET", "k", "v")).toBe("OK");
    expect(await redis.call("EVAL", "return cjson.encode({bit.bxor(5, 1), redis.call('GET', 'k')})", 0)).toBe(
      '[4,"v"]',
    );
    expect(String(await redis.call("INFO", "memory"))).toContain("mem_allocator:jemalloc");
    redis.close();
    await session.sh("redis-cli shutdown save; test -s /tmp/dump.rdb", 60);
  });
});
