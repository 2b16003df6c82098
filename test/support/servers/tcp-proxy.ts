import { connect, createServer, type Socket } from "node:net";
import { findFreePort } from "./temp-server.ts";

/** TCP proxy before a server: the connection can be cut, or kept open with nothing coming through. */
export class TcpProxy {
  readonly port = findFreePort();
  #target: number;
  readonly #sockets = new Set<Socket>();
  #silent = false;
  readonly #server = createServer((client) => {
    const server = connect(this.#target, "127.0.0.1");
    const ends = [client, server] as const;
    for (const [from, to] of [ends, ends.toReversed()]) {
      if (!from || !to) continue;
      this.#sockets.add(from);
      from.on("data", (bytes) => this.#silent || to.write(bytes));
      from.on("error", () => {});
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  });

  /** Refuses connections until `open`. */
  constructor(target: number) {
    this.#target = target;
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.port, "127.0.0.1", resolve));
  }

  /** Sends new connections to another port. */
  redirect(target: number): void {
    this.#target = target;
  }

  /** Drops all bytes of both directions without closing a connection. */
  dropBytes(silent = true): void {
    this.#silent = silent;
  }

  /** Cuts every connection and refuses new ones. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
