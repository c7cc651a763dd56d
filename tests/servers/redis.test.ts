// redis, to clients of the host through a published port: data types, pipelines, scripts, channels, calls that wait; snapshots and
// log rewriting by a fork with all data, the end by SIGTERM, and what is there after a new start.

import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RedisClient } from "./resp.ts";
import { freePort, full, Session } from "./session.ts";

/** About 200 MB in the long form. */
const keys = full ? 500_000 : 30_000;

let session: Session;
let port = 0;
let redis: RedisClient;
const clients: RedisClient[] = [];

async function client(): Promise<RedisClient> {
  const connected = await RedisClient.connect(port);
  clients.push(connected);
  return connected;
}

async function startServer(): Promise<void> {
  await session.sh(
    "/s/redis-server --port 6379 --bind 0.0.0.0 --protected-mode no --dir /tmp --logfile /tmp/log --save '' --appendonly no" +
      " --enable-debug-command yes & echo $! > /tmp/pid",
  );
  // While it loads what it saved it answers, but that it is loading.
  try {
    await session.until("/s/redis-cli ping | grep -q PONG", full ? 120 : 20);
  } catch (error) {
    throw new Error(await session.sh("ps; free; tail -n 20 /tmp/log"), { cause: error });
  }
  redis = await client();
}

/** The field of INFO. */
async function info(name: string): Promise<string> {
  return new RegExp(`^${name}:(.*)\r$`, "m").exec(String(await redis.call("INFO", "everything")))?.[1] ?? "";
}

async function finished(name: string, seconds: number): Promise<void> {
  for (let i = 0; i < seconds * 10 && (await info(name)) !== "0"; i++) await sleep(100);
  expect(await info(name)).toBe("0");
}

beforeAll(async () => {
  port = await freePort();
  session = Session.start({ ports: { 6379: port }, files: {}, strace: !full });
  await startServer();
});

afterAll(async () => {
  for (const connected of clients) connected.close();
  await session?.end();
});

describe("redis", () => {
  test("keeps what it is given", async () => {
    expect(await redis.call("SET", "a", "1")).toBe("OK");
    expect(await redis.call("INCRBY", "a", 41)).toBe(42);
    expect(await redis.call("GET", "a")).toBe("42");
    expect(await redis.call("GET", "nothing")).toBeNull();
    expect(await redis.call("RPUSH", "list", "x", "y", "z")).toBe(3);
    expect(await redis.call("LRANGE", "list", 0, -1)).toEqual(["x", "y", "z"]);
    expect(await redis.call("LPOP", "a")).toBeInstanceOf(Error);
    expect(await redis.call("HSET", "hash", "f", "v")).toBe(1);
    expect(await redis.call("ZADD", "sorted", "1.5", "b", "-inf", "a")).toBe(2);
    expect(await redis.call("ZRANGE", "sorted", 0, -1, "WITHSCORES")).toEqual(["a", "-inf", "b", "1.5"]);
    expect(await redis.call("INCRBYFLOAT", "float", "3.25")).toBe("3.25");
    const large = "x\r\n\u00ff".repeat(500_000);
    expect(await redis.call("SET", "large", large)).toBe("OK");
    expect(await redis.call("GET", "large")).toBe(large);
    await redis.call("DEL", "large");
  });

  test("answers pipelines in order", async () => {
    const amount = 5_000;
    const replies = await Promise.all(Array.from({ length: amount }, () => redis.call("INCR", "counter")));
    expect(replies).toEqual(Array.from({ length: amount }, (_, i) => i + 1));
  });

  test("runs scripts", async () => {
    expect(
      await redis.call("EVAL", "return {KEYS[1], redis.call('GET', 'a') + 1, cjson.encode({1, 2})}", 1, "k"),
    ).toEqual(["k", 43, "[1,2]"]);
    const sum = "local s = 0; for i = 1, 200000 do s = s + i % 7 end; return s";
    expect(await redis.call("EVAL", sum, 0)).toBe(599_997);
  });

  test("forgets in time", async () => {
    await redis.call("SET", "brief", "1", "PX", 150);
    expect(await redis.call("EXISTS", "brief")).toBe(1);
    await sleep(300);
    expect(await redis.call("EXISTS", "brief")).toBe(0);
  });

  test("hands on messages, and what others wait for", async () => {
    const listener = await client();
    expect(await listener.call("SUBSCRIBE", "news")).toEqual(["subscribe", "news", 1]);
    expect(await redis.call("PUBLISH", "news", "hello")).toBe(1);
    for (let i = 0; i < 50 && listener.messages.length === 0; i++) await sleep(20);
    expect(listener.messages).toEqual([["message", "news", "hello"]]);

    const first = await client();
    const second = await client();
    const popped = [first.call("BLPOP", "queue", 10), second.call("BLPOP", "queue", 10)];
    for (let i = 0; i < 50 && (await info("blocked_clients")) !== "2"; i++) await sleep(20);
    expect(await redis.call("RPUSH", "queue", "one", "two")).toBe(2);
    expect(await Promise.all(popped)).toEqual([
      ["queue", "one"],
      ["queue", "two"],
    ]);
    const before = Date.now();
    expect(await second.call("BLPOP", "queue", "0.2")).toBeNull();
    expect(Date.now() - before).toBeGreaterThanOrEqual(190);
  });

  test("saves a snapshot while it goes on", { timeout: 200_000 }, async () => {
    expect(await redis.call("DEBUG", "POPULATE", keys, "key", 256)).toBe("OK");
    const size = Number(await redis.call("DBSIZE"));
    expect(await redis.call("BGSAVE")).toBe("Background saving started");
    // The child has all as it was; the parent writes on.
    const changes = [];
    for (let i = 0; i < 1000; i++) changes.push(redis.call("SET", `key:${i}`, "changed"));
    expect(new Set(await Promise.all(changes))).toEqual(new Set(["OK"]));
    await finished("rdb_bgsave_in_progress", 120);
    expect(await info("rdb_last_bgsave_status")).toBe("ok");
    expect(await redis.call("GET", "key:5")).toBe("changed");
    expect(await redis.call("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE")).toBe("OK");
    expect(await redis.call("DBSIZE")).toBe(size);
    expect(await redis.call("STRLEN", "key:5")).toBe(256);
  });

  test("writes a log, and rewrites it", { timeout: 200_000 }, async () => {
    expect(await redis.call("CONFIG", "SET", "appendonly", "yes")).toBe("OK");
    await finished("aof_rewrite_scheduled", 60);
    await finished("aof_rewrite_in_progress", 120);
    await redis.call("SET", "logged", "yes");
    const size = await redis.call("DBSIZE");
    expect(await redis.call("BGREWRITEAOF")).toBe("Background append only file rewriting started");
    await redis.call("SET", "logged", "again");
    await finished("aof_rewrite_in_progress", 120);
    expect(await info("aof_last_bgrewrite_status")).toBe("ok");
    expect(await redis.call("DEBUG", "LOADAOF")).toBe("OK");
    expect(await redis.call("GET", "logged")).toBe("again");
    expect(await redis.call("DBSIZE")).toBe(size);
    expect(await redis.call("CONFIG", "SET", "appendonly", "no")).toBe("OK");
  });

  test("uses hardly any processor time when there is nothing to do", { timeout: 60_000 }, async () => {
    await sleep(2000);
    const before = session.cpuTime();
    const time = full ? 10_000 : 2_000;
    await sleep(time);
    // It looks at its clock ten times a second, on Linux as well.
    expect(session.cpuTime() - before).toBeLessThanOrEqual(time * 0.03);
  });

  test("saves on SIGTERM and has everything after a new start", { timeout: 200_000 }, async () => {
    expect(await redis.call("CONFIG", "SET", "save", "3600 1")).toBe("OK");
    await redis.call("SET", "last", "word");
    const size = await redis.call("DBSIZE");
    await session.sh("kill $(cat /tmp/pid); wait $(cat /tmp/pid)", 60);
    expect(await session.sh("tail -n 1 /tmp/log")).toMatch(/ready to exit, bye bye/);
    await startServer();
    for (let i = 0; i < 100 && (await info("loading")) !== "0"; i++) await sleep(100);
    expect(await redis.call("DBSIZE")).toBe(size);
    expect(await redis.call("GET", "last")).toBe("word");
    await session.sh("/s/redis-cli shutdown nosave; wait $(cat /tmp/pid)");
  });

  test.skipIf(full)("asked for nothing that is not there", () => {
    expect([...session.failures()].filter((failure) => /ENOSYS|EFAULT/.test(failure))).toEqual([]);
  });
});
