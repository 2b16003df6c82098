import type { Config } from "../config.ts";
import { answerOf, databaseAway } from "../http/faults.ts";
import type { Waiting } from "../runtime.ts";

/** What a waiting start ends with when the process is asked to stop. */
class AskedToStop extends Error {}

/**
 * Opens what may have to wait for Postgres. Meanwhile the process says that it lives, and refuses everything else as it
 * does later when the database is away. SIGTERM ends the waiting.
 */
export async function whenThere<T>(
  { port, host }: Pick<Config, "port" | "host">,
  open: (waiting: Waiting) => Promise<T>,
): Promise<T> {
  const asked = new AbortController();
  const stop = () => asked.abort(new AskedToStop());
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, stop);
  let porter: ReturnType<typeof startPorter> | null = null;
  let isOver = false;
  try {
    return await open({
      signal: asked.signal,
      begin() {
        // Later the port is the service's own, and what is listening there answers.
        if (isOver || porter) return;
        try {
          porter = startPorter(port, host);
        } catch (error) {
          // The port is taken: whoever started this should hear of it now, not when the database is there.
          asked.abort(error);
        }
      },
    });
  } finally {
    isOver = true;
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.off(signal, stop);
    // Assigned in a callback, which the types do not see.
    (porter as ReturnType<typeof startPorter> | null)?.stop(true);
  }
}

/** For `catch`: null for a start that was asked to stop. */
export function unlessAskedToStop(error: unknown): null {
  if (error instanceof AskedToStop) return null;
  throw error;
}

function startPorter(port: number, hostname: string) {
  const began = performance.now();
  return Bun.serve({
    port,
    hostname,
    fetch(request) {
      if (new URL(request.url).pathname.replace(/\/$/, "") === "/api/health") {
        const uptime = Math.floor((performance.now() - began) / 1000);
        return Response.json({ service: "app", status: "OK", timestamp: new Date().toISOString(), uptime });
      }
      const { status, headers, body } = answerOf(databaseAway(), crypto.randomUUID());
      return Response.json(body, { status, headers });
    },
  });
}
