import { connect, type Socket } from "node:net";
import { SECOND } from "../../lib/clock.ts";
import type { DatabaseAddress } from "../database-url.ts";

/** Limits each step of opening a connection: the TCP connection, and the first answers of the server. */
export const CONNECT_TIMEOUT_MS = 3 * SECOND;
const KEEP_ALIVE_DELAY_MS = 10 * SECOND;

export type Host = DatabaseAddress["hosts"][number];

/** Creates an error with a code of our own where the database or its driver would use that code. */
export function databaseError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

export const connectTimeout = ({ host, port }: Host) =>
  databaseError("CONNECT_TIMEOUT", `${host}:${port} does not answer`);

/** Connects to one host. postgres.js itself retries a list of unreachable hosts for ever (porsager/postgres#1174). */
export function connectSocket(server: Host): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...server, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS, noDelay: true });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(connectTimeout(server));
    }, CONNECT_TIMEOUT_MS);
    socket.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.removeAllListeners("error");
      // postgres.js compares the server's TLS certificate with `host`.
      resolve(Object.assign(socket, server));
    });
  });
}
