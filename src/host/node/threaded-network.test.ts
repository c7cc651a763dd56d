import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { MessageChannel } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { ECONNREFUSED } from "../../abi/errno.ts";
import type { HostConnection, HostConnectionEvents, HostListener } from "../interface.ts";
import { SocketServer } from "./socket-server.ts";
import { ThreadedNetwork } from "./threaded-network.ts";
import { type Message, Outbox, read, Tell } from "./wire.ts";

/** Both sides in one thread. */
function network(): ThreadedNetwork {
  return new ThreadedNetwork(() => {
    const { port1, port2 } = new MessageChannel();
    new SocketServer(port2);
    return Object.assign(port1, { stop: async () => port1.close() });
  });
}

const HERE = { ip: "127.0.0.1", port: 0 };

/** What a guest would be told. */
class Guest implements HostConnectionEvents {
  readonly chunks: Uint8Array[] = [];
  received = 0;
  readonly told: string[] = [];
  wants = true;
  connection!: HostConnection;
  #waiting: (() => void)[] = [];

  #note(what: string): void {
    this.told.push(what);
    for (const next of this.#waiting.splice(0)) next();
  }
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
  async hears(what: string): Promise<void> {
    await this.until(() => this.told.includes(what));
  }
  connected(): void {
    this.#note("connected");
  }
  data(bytes: Uint8Array): boolean {
    this.chunks.push(bytes);
    this.received += bytes.length;
    this.#note("data");
    return this.wants;
  }
  end(): void {
    this.#note("end");
  }
  drained(): void {
    this.#note("drained");
  }
  closed(error: number): void {
    this.#note(`closed ${error}`);
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

/** A guest that listens, and a client that has connected to it. */
async function pair(): Promise<{ net: ThreadedNetwork; guest: Guest; client: Socket; listener: HostListener }> {
  const net = network();
  const guest = new Guest();
  const accepted = deferred();
  const listener = await net.listen(HERE, (connection) => {
    guest.connection = connection;
    accepted.resolve();
    return guest;
  });
  const client = connect(listener.port, "127.0.0.1");
  await accepted.promise;
  return { net, guest, client, listener };
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Bytes whose place shows. */
function pattern(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = i * 7 + (i >> 8);
  return bytes;
}

describe("messages between threads", () => {
  it("have all that was told in a turn, in its order, small and large", async () => {
    const messages: Message[] = [];
    const outbox = new Outbox((message) => messages.push(message));
    const large = pattern(100_000);
    outbox.tell(Tell.Write, 1, 5, Uint8Array.of(1, 2, 3));
    outbox.tell(Tell.Data, 2, -1, large.slice());
    outbox.tell(Tell.End, 3);
    // Part of a larger buffer: copied, since others may have the rest of it.
    outbox.tell(Tell.Data, 4, 0, large.subarray(10, 50_010));
    await Promise.resolve();
    outbox.tell(Tell.Reset, 5);
    await Promise.resolve();
    const found = messages.map((message) => {
      const records: unknown[] = [];
      read(message, (what, id, number, bytes) => records.push([what, id, number, Buffer.from(bytes).toString("hex")]));
      return records;
    });
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
    expect(found).toEqual([
      [
        [Tell.Write, 1, 5, "010203"],
        [Tell.Data, 2, -1, hex(large)],
        [Tell.End, 3, 0, ""],
        [Tell.Data, 4, 0, hex(large.subarray(10, 50_010))],
      ],
      [[Tell.Reset, 5, 0, ""]],
    ]);
    expect(messages[0]).toHaveLength(2);
  });
});

describe("a network whose sockets are on another thread", () => {
  it("serves: what comes, what goes, and the end of both", async () => {
    const { net, guest, client, listener } = await pair();
    client.write("question");
    await guest.until(() => guest.text === "question");
    guest.connection.write(new Uint8Array(Buffer.from("answer")));
    const [answer] = (await once(client, "data")) as [Buffer];
    expect(answer.toString()).toBe("answer");
    client.end();
    await guest.hears("end");
    guest.connection.end();
    await guest.hears("closed 0");
    listener.close();
    await net.flush();
    const late = connect(listener.port, "127.0.0.1");
    const [error] = (await once(late, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNREFUSED");
  });

  it("connects, and says why it cannot", async () => {
    const net = network();
    const server = createServer((socket) => socket.end("hello")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const guest = new Guest();
    const connection = net.connect({ ip: "127.0.0.1", port }, guest);
    await guest.hears("end");
    expect([guest.told[0], guest.text]).toEqual(["connected", "hello"]);
    connection.end();
    await guest.hears("closed 0");
    server.close();
    await once(server, "close");
    const refused = new Guest();
    net.connect({ ip: "127.0.0.1", port }, refused);
    await refused.hears(`closed ${ECONNREFUSED}`);
    await net.flush();
  });

  it("says that a port is taken as Node does", async () => {
    const { net, client, listener, guest } = await pair();
    const twice = net.listen({ ip: "127.0.0.1", port: listener.port }, () => undefined);
    await expect(twice).rejects.toMatchObject({ code: "EADDRINUSE", message: expect.stringContaining("127.0.0.1") });
    client.destroy();
    await guest.hears("end");
    await net.flush();
  });

  it("resets who is not let in, and whom the guest resets", async () => {
    const net = network();
    const listener = await net.listen(HERE, () => undefined);
    const unwanted = connect(listener.port, "127.0.0.1");
    const [error] = (await once(unwanted, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNRESET");
    await net.flush();
    const { net: other, guest, client } = await pair();
    guest.connection.reset();
    const [reset] = (await once(client, "error")) as [NodeJS.ErrnoException];
    expect(reset.code).toBe("ECONNRESET");
    await other.flush();
  });

  it("stops reading for a guest that does not, and goes on", async () => {
    const { net, guest, client } = await pair();
    const all = pattern(16 << 20);
    guest.wants = false;
    client.end(all);
    await guest.hears("data");
    await new Promise((resolve) => setTimeout(resolve, 100));
    const before = guest.received;
    // Node reads up to 2 MB in one turn.
    expect(before).toBeLessThan(4 << 20);
    guest.wants = true;
    guest.connection.resume();
    await guest.hears("end");
    expect(Buffer.concat(guest.chunks).equals(all)).toBe(true);
    await net.flush();
  });

  it("lets a writer wait for a client that does not read", async () => {
    const { net, guest, client } = await pair();
    client.pause();
    const all = pattern(32 << 20);
    let sent = 0;
    // As much as goes into the buffers of the host's, and no more.
    for (let waits = 0; waits < 3; ) {
      while (sent < all.length && guest.connection.write(all.slice(sent, sent + 65_536))) sent += 65_536;
      sent += 65_536;
      const told = guest.told.length;
      const timeout = new Promise<string>((resolve) => setTimeout(() => resolve("waits"), 50));
      const drained = guest.until(() => guest.told.length > told).then(() => "drained");
      if ((await Promise.race([drained, timeout])) === "waits") waits = 3;
    }
    expect(sent).toBeLessThan(all.length / 2);
    const chunks: Buffer[] = [];
    client.on("data", (chunk) => chunks.push(chunk)).resume();
    const told = guest.told.length;
    await guest.until(() => guest.told.length > told);
    expect(guest.told.at(-1)).toBe("drained");
    guest.connection.end();
    await once(client, "end");
    expect(Buffer.concat(chunks).equals(all.subarray(0, sent))).toBe(true);
    client.destroy();
    await net.flush();
  });

  it("has sent all that was written when it is flushed", async () => {
    const { net, guest, client } = await pair();
    const all = pattern(300_000);
    guest.connection.write(all.slice());
    guest.connection.end();
    const chunks: Buffer[] = [];
    client.on("data", (chunk) => chunks.push(chunk));
    await Promise.all([net.flush(), once(client, "end")]);
    expect(Buffer.concat(chunks).equals(all)).toBe(true);
  });
});
