/** The side of threaded-network.ts that has the sockets. */
import type { HostConnection, HostConnectionEvents, HostEndpoint, HostListener } from "../interface.ts";
import { NodeNetwork } from "./network.ts";
import { decode, encode, Outbox, type Port, read, Tell } from "./wire.ts";

/** Bytes that have arrived and are not out of the way before the host is asked to stop. */
const MOST_UNTAKEN = 262_144;
/** Bytes that have left before it is told. */
const TOLD = 32_768;

type Place = Parameters<NodeNetwork["listen"]>[0];

export class SocketServer {
  readonly #network: NodeNetwork = new NodeNetwork();
  readonly #outbox: Outbox;
  readonly #connections: Map<number, Joint> = new Map();
  readonly #listeners: Map<number, HostListener> = new Map();
  /** The other side's ids are odd. */
  #lastId = 0;

  constructor(port: Port) {
    this.#outbox = new Outbox((message) => port.postMessage(message, message));
    port.on("message", (message) => read(message, (...record) => this.#told(...record)));
  }

  #told(what: Tell, id: number, number: number, bytes: Uint8Array<ArrayBuffer>): void {
    const joint = this.#connections.get(id);
    switch (what) {
      case Tell.Write:
        joint?.write(bytes);
        break;
      case Tell.Taken:
        joint?.taken(number);
        break;
      case Tell.End:
        joint?.connection.end();
        break;
      case Tell.Reset:
        joint?.connection.reset();
        break;
      case Tell.Connect: {
        const made = this.#joint(id);
        made.connection = this.#network.connect(decode(bytes) as HostEndpoint, made);
        break;
      }
      case Tell.Listen:
        this.#listen(id, decode(bytes) as Place);
        break;
      case Tell.Unlisten:
        this.#listeners.get(id)?.close();
        this.#listeners.delete(id);
        break;
      case Tell.Flush:
        void this.#network.flush().then(() => this.#outbox.tell(Tell.Flushed, 0));
    }
  }

  #joint(id: number): Joint {
    const joint = new Joint(id, this.#outbox, () => this.#connections.delete(id));
    this.#connections.set(id, joint);
    return joint;
  }

  #listen(id: number, at: Place): void {
    const accept = (connection: HostConnection, remote: HostEndpoint): HostConnectionEvents => {
      this.#lastId += 2;
      const joint = this.#joint(this.#lastId);
      joint.connection = connection;
      this.#outbox.tell(Tell.Accepted, this.#lastId, id, encode(remote));
      return joint;
    };
    this.#network.listen(at, accept).then(
      (listener) => {
        this.#listeners.set(id, listener);
        this.#outbox.tell(Tell.Listening, id, listener.port);
      },
      ({ message, code }: NodeJS.ErrnoException) => this.#outbox.tell(Tell.Failed, id, 0, encode({ message, code })),
    );
  }
}

/** A connection, and what of it is under way between the threads. */
class Joint implements HostConnectionEvents {
  readonly #id: number;
  readonly #outbox: Outbox;
  readonly #forget: () => void;
  connection!: HostConnection;
  #untaken = 0;
  #paused = false;
  #left = 0;
  #busy = false;

  constructor(id: number, outbox: Outbox, forget: () => void) {
    this.#id = id;
    this.#outbox = outbox;
    this.#forget = forget;
  }

  connected(): void {
    this.#outbox.tell(Tell.Connected, this.#id);
  }

  data(bytes: Uint8Array): boolean {
    this.#untaken += bytes.length;
    this.#outbox.tell(Tell.Data, this.#id, 0, bytes);
    if (this.#untaken < MOST_UNTAKEN) return true;
    this.#paused = true;
    return false;
  }

  taken(count: number): void {
    this.#untaken -= count;
    if (!this.#paused || this.#untaken * 2 > MOST_UNTAKEN) return;
    this.#paused = false;
    this.connection.resume();
  }

  end(): void {
    this.#outbox.tell(Tell.Ended, this.#id);
  }

  write(bytes: Uint8Array<ArrayBuffer>): void {
    this.#left += bytes.length;
    if (!this.connection.write(bytes)) this.#busy = true;
    else if (this.#left >= TOLD && !this.#busy) this.#tellLeft();
  }

  drained(): void {
    this.#busy = false;
    this.#tellLeft();
  }

  #tellLeft(): void {
    this.#outbox.tell(Tell.Left, this.#id, this.#left);
    this.#left = 0;
  }

  closed(error: number): void {
    this.#forget();
    this.#outbox.tell(Tell.Closed, this.#id, error);
  }
}
