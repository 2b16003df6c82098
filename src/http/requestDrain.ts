import { Elysia } from "elysia";
import { Fault } from "../fault.ts";

/** A body that is on its way when the stop begins may still arrive for so long. */
const BODY_GRACE_MS = 500;
/** How long answers that are ready may take to leave: a client that does not read its answer holds nobody up. */
const FLUSH_GRACE_MS = 1_000;
const POLL_MS = 10;

/** The part of Bun's server that a stop needs. */
export interface DrainableServer {
  /** Requests whose answer has not left completely, those whose body has not arrived completely among them. */
  readonly pendingRequests: number;
  stop(closeActiveConnections?: boolean): Promise<void>;
}

interface InFlight {
  headers: Record<string, string | number>;
  /** True once its body is here and it is being worked on. */
  isAnswering: boolean;
}

/** Knows the requests that are being answered, and lets a stop wait for those and for nobody else. */
export class RequestDrain {
  readonly #inFlight = new Map<Request, InFlight>();
  #draining = false;

  /** The requests whose body is here and whose answer has not left. Elysia tells of answers a moment after Bun sends them. */
  answering(server: Pick<DrainableServer, "pendingRequests"> | null): number {
    const told = [...this.#inFlight.values()].filter(({ isAnswering }) => isAnswering).length;
    return Math.min(told, server?.pendingRequests ?? 0);
  }

  /** Every request that has begun and has no answer yet; for tests. */
  get size(): number {
    return this.#inFlight.size;
  }

  /** Mount it before all routes, after what turns faults into answers: Elysia's hooks reach only what comes after. */
  plugin() {
    return new Elysia({ name: "request drain" })
      .onRequest(({ request, set }) => {
        const headers = set.headers as InFlight["headers"];
        if (this.#draining) {
          headers.connection = "close";
          throw new Fault("UNAVAILABLE", "The service is stopping; try again", { retryAfterSeconds: 1 });
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
   * Refuses new requests, lets those being answered get their answer with `Connection: close`, and closes all else.
   * Returns how many had none at `deadline` (by `performance.now()`). Bun closes idle connections by itself; half a
   * request's head is not pending, and half a body's is not being answered.
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
      // What is left now waits for a body, or for a client to read.
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
