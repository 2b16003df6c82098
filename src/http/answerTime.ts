import { Elysia } from "elysia";
import { MINUTE, SECOND } from "../clock.ts";

/**
 * How long a request that writes may take to be answered. Elysia lets the server cut a connection on which nothing moved
 * for 30 s, and a launch of a million contacts takes longer, as does whatever waits for the writer behind it. The caller
 * would see a broken connection and the launch would be true all the same.
 */
const WRITE_ANSWER_MS = 4 * MINUTE;

/** What Bun's server offers to change for one request. Seconds, 255 at most. */
interface Server {
  timeout(request: Request, seconds: number): void;
}

/** Gives requests that write the time they take. Bodies are read by then: a slow one is cut before. */
export function answerTime(server: () => Server | null) {
  return new Elysia({ name: "answer-time" }).onBeforeHandle({ as: "global" }, ({ request }) => {
    if (request.method !== "GET") server()?.timeout(request, WRITE_ANSWER_MS / SECOND);
  });
}
