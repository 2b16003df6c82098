import { Elysia } from "elysia";
import { AppError } from "../../lib/errors.ts";

/** Time for a body to arrive that is being sent when the stop begins. */
const BODY_GRACE_MS = 500;
/** Time for finished responses to be sent: a client that does not read must not delay the stop. */
const FLUSH_GRACE_MS = 1_000;
const POLL_MS = 10;

/** The part of Bun's server that a stop needs. */
export interface DrainableServer {
  /** Requests whose response has not been sent completely, also those whose body has not arrived completely. */
  readonly pendingRequests: number;
  stop(closeActiveConnections?: boolean): Promise<void>;
}

interface InFlight {
  headers: Record<string, string | number>;
  /** True once the body has arrived and the handler runs. */
  isAnswering: boolean;
}

/** Tracks requests in flight, so that a stop waits for those whose handler runs and for no others. */
export class RequestDrain {
  readonly #inFlight = new Map<Request, InFlight>();
  #draining = false;

  /** Counts requests whose body has arrived and whose response is not sent. Elysia reports a response slightly after Bun sends it. */
  answering(server: Pick<DrainableServer, "pendingRequests"> | null): number {
    const told = [...this.#inFlight.values()].filter(({ isAnswering }) => isAnswering).length;
    return Math.min(told, server?.pendingRequests ?? 0);
  }

  /** Counts all requests in flight; for tests. */
  get size(): number {
    return this.#inFlight.size;
  }

  /** Tracks requests. Mount it before all routes and after the error handler: Elysia's hooks reach only what is mounted after them. */
  plugin() {
    return new Elysia({ name: "request drain" })
      .onRequest(({ request, set }) => {
        const headers = set.headers as InFlight["headers"];
        if (this.#draining) {
          headers.connection = "close";
          throw new AppError("UNAVAILABLE", "The service is stopping; try again", { retryAfterSeconds: 1 });
        }
        this.#inFlight.set(request, { headers, isAnswering: false });
      })
      .onTransform({ as: "global" }, ({ request }) => {
        const known = this.#inFlight.get(request);
        if (known) known.isAnswering = true;
      })
      .onAfterResponse({ as: "global" }, ({ request }) => {
        this.#inFlight.delete(request);
      });
  }

  /**
   * Rejects new requests, finishes those in flight with `Connection: close`, and closes all other connections. Returns how many
   * had no response at `deadline` (by `performance.now()`). Bun closes idle connections itself; a request whose headers are
   * incomplete is not pending, and one whose body is incomplete does not count as being answered.
   */
  async drain(server: DrainableServer, deadline: number): Promise<number> {
    this.#draining = true;
    for (const { headers } of this.#inFlight.values()) headers.connection = "close";
    void server.stop();
    const bodiesUntil = Math.min(deadline, performance.now() + BODY_GRACE_MS);
    let answeredAt: number | null = null;
    while (server.pendingRequests > 0 && performance.now() < deadline) {
      const answering = this.answering(server);
      if (answering > 0) answeredAt = null;
      else answeredAt ??= performance.now();
      const areBodiesOver = performance.now() >= bodiesUntil;
      // The remaining requests wait for a body, or for a client to read.
      const areOnlyBodies = answering === 0 && server.pendingRequests <= this.size;
      if (areBodiesOver && areOnlyBodies) break;
      if (areBodiesOver && answeredAt !== null && performance.now() - answeredAt >= FLUSH_GRACE_MS) break;
      await Bun.sleep(POLL_MS);
    }
    const unanswered = this.answering(server);
    await server.stop(true);
    return unanswered;
  }
}
