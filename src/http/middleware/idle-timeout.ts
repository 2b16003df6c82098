import { Elysia } from "elysia";
import { MINUTE, SECOND } from "../../lib/clock.ts";

/**
 * Bounds the time until a writing request is answered. By default the server closes a connection on which nothing moved for
 * 30 s, and a launch of a million contacts takes longer, as does a request that waits for the writer behind it. The caller
 * would see a broken connection although the launch was committed.
 */
const WRITE_IDLE_TIMEOUT_MS = 4 * MINUTE;

/** The part of Bun's server that changes the idle timeout of one request, in seconds, at most 255. */
interface Server {
  timeout(request: Request, seconds: number): void;
}

/** Extends the idle timeout of writing requests. Their body is read by then: a slow one ends before. */
export function idleTimeout(server: () => Server | null) {
  return new Elysia({ name: "answer-time" }).onBeforeHandle({ as: "global" }, ({ request }) => {
    if (request.method !== "GET") server()?.timeout(request, WRITE_IDLE_TIMEOUT_MS / SECOND);
  });
}
