/** Requests to a server under test. */
import { Agent, type IncomingHttpHeaders, request } from "node:http";

export interface Response {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** @param begun called when the first of the answer is there */
export function get(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  agent?: Agent,
  begun?: () => void,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path, headers, agent: agent ?? false, timeout: 30_000 };
    const sent = request(options, (response) => {
      begun?.();
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    sent.on("timeout", () => sent.destroy(new Error(`${path}: no answer`)));
    sent.on("error", reject);
    sent.end();
  });
}

/**
 * Sends `total` requests, so many at a time, over connections that stay open or one for each request; gives how many answers were
 * as `accept` wants them.
 */
export async function many(
  port: number,
  path: string,
  total: number,
  connections: number,
  keepAlive: boolean,
  accept: (response: Response) => boolean,
): Promise<number> {
  // (An agent with a limit of sockets would keep them open, whatever it is told.)
  const agent = keepAlive ? new Agent({ keepAlive, maxSockets: connections }) : undefined;
  let left = total;
  let good = 0;
  const client = async (): Promise<void> => {
    while (left-- > 0) if (accept(await get(port, path, {}, agent))) good++;
  };
  await Promise.all(Array.from({ length: connections }, client));
  agent?.destroy();
  return good;
}
