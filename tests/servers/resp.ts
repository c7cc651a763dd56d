/** A client of redis: its protocol (RESP2), with requests that need not wait for each other. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Strings are in Latin-1, one character for each byte. */
export type Reply = string | number | null | Error | readonly Reply[];

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

export class RedisClient {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  #input = "";
  /** What arrives without being asked for: messages of channels. */
  readonly messages: Reply[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.#receive(text));
    socket.on("error", () => {});
    socket.on("close", () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error("the connection was closed"));
    });
  }

  static async connect(port: number): Promise<RedisClient> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    await once(socket, "connect");
    return new RedisClient(socket);
  }

  /** An error of the server's is a value, not an exception. */
  call(...words: readonly (string | number)[]): Promise<Reply> {
    const parts = words.map((word) => `$${String(word).length}\r\n${word}\r\n`);
    this.#socket.write(`*${words.length}\r\n${parts.join("")}`, "latin1");
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(text: string): void {
    this.#input += text;
    let at = 0;
    for (;;) {
      const parsed = parse(this.#input, at);
      if (parsed === undefined) break;
      at = parsed.end;
      const waiting = this.#waiting.shift();
      if (waiting !== undefined) waiting.resolve(parsed.reply);
      else this.messages.push(parsed.reply);
    }
    this.#input = this.#input.slice(at);
  }
}

/** The reply that begins at `at`, and where it ends; undefined if it is not complete. */
function parse(input: string, at: number): { readonly reply: Reply; readonly end: number } | undefined {
  const newline = input.indexOf("\r\n", at);
  if (newline < 0) return undefined;
  const line = input.slice(at + 1, newline);
  let end = newline + 2;
  switch (input[at]) {
    case "+":
      return { reply: line, end };
    case "-":
      return { reply: new Error(line), end };
    case ":":
      return { reply: Number(line), end };
    case "$": {
      const length = Number(line);
      if (length < 0) return { reply: null, end };
      if (input.length < end + length + 2) return undefined;
      return { reply: input.slice(end, end + length), end: end + length + 2 };
    }
    case "*": {
      const length = Number(line);
      if (length < 0) return { reply: null, end };
      const replies: Reply[] = [];
      while (replies.length < length) {
        const parsed = parse(input, end);
        if (parsed === undefined) return undefined;
        replies.push(parsed.reply);
        end = parsed.end;
      }
      return { reply: replies, end };
    }
    default:
      throw new Error(`not RESP: ${input.slice(at, at + 20)}`);
  }
}
