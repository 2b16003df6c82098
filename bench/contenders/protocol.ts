/** A request to a contender. */
export interface ContenderRequest {
  id: number;
  name: string;
  given: unknown;
}

export interface ContenderResponse {
  id: number;
  result?: unknown;
  error?: string;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a request may have no result
type Handler = (given: never) => Promise<unknown> | unknown | void;

/** Serves requests of the process that started this one, one after the other, until that process ends. */
export function serveRequests(handlers: Record<string, Handler>): void {
  let tail: Promise<unknown> = Promise.resolve();
  process.on("message", ({ id, name, given }: ContenderRequest) => {
    tail = tail.then(async () => {
      const answer: ContenderResponse = { id };
      try {
        answer.result = await handlers[name]?.(given as never);
      } catch (error) {
        answer.error = error instanceof Error ? (error.stack ?? error.message) : String(error);
      }
      process.send?.(answer);
    });
  });
  process.on("disconnect", () => process.exit(0));
}
