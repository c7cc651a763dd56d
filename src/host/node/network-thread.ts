/** A thread that has the sockets of threaded-network.ts: the script for it. */
import { parentPort } from "node:worker_threads";
import { SocketServer } from "./socket-server.ts";
import type { Port } from "./wire.ts";

new SocketServer(parentPort as Port);
