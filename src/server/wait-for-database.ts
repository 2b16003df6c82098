import { databaseUnavailable, toErrorResponse } from "../http/middleware/errors.ts";
import type { Config } from "./config/config.ts";
import type { DatabaseWait } from "./database.ts";

/** Ends a start that waits for the database when the process is asked to stop. */
class StopRequested extends Error {}

/**
 * Opens the store, waiting for Postgres if necessary. Meanwhile a standby server answers the health check of the process
 * and refuses all other requests, as the service does when the database is unavailable. SIGTERM ends the wait.
 */
export async function waitForDatabase<T>(
  { port, host }: Pick<Config, "port" | "host">,
  open: (waiting: DatabaseWait) => Promise<T>,
): Promise<T> {
  const asked = new AbortController();
  const stop = () => asked.abort(new StopRequested());
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, stop);
  let standby: ReturnType<typeof startStandbyServer> | null = null;
  let isOver = false;
  try {
    return await open({
      signal: asked.signal,
      begin() {
        // After the start the service itself listens on the port.
        if (isOver || standby) return;
        try {
          standby = startStandbyServer(port, host);
        } catch (error) {
          // The port is taken, which should be reported now and not when the database is available.
          asked.abort(error);
        }
      },
    });
  } finally {
    isOver = true;
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.off(signal, stop);
    // Assigned in a callback, which the types do not see.
    (standby as ReturnType<typeof startStandbyServer> | null)?.stop(true);
  }
}

/** Returns null for a start that a signal stopped, and throws every other error. */
export function nullIfStopped(error: unknown): null {
  if (error instanceof StopRequested) return null;
  throw error;
}

function startStandbyServer(port: number, hostname: string) {
  const began = performance.now();
  return Bun.serve({
    port,
    hostname,
    fetch(request) {
      if (new URL(request.url).pathname.replace(/\/$/, "") === "/api/health") {
        const uptime = Math.floor((performance.now() - began) / 1000);
        return Response.json({ service: "app", status: "OK", timestamp: new Date().toISOString(), uptime });
      }
      const { status, headers, body } = toErrorResponse(databaseUnavailable(), crypto.randomUUID());
      return Response.json(body, { status, headers });
    },
  });
}
