/** What a contender is asked to do, and how it answers: one message each way. */
export interface Order {
  id: number;
  name: string;
  given: unknown;
}

export interface Answer {
  id: number;
  result?: unknown;
  error?: string;
}

// biome-ignore lint/suspicious/noConfusingVoidType: an order may have nothing to answer
type Handler = (given: never) => Promise<unknown> | unknown | void;

/** In a contender: carries out orders from the process that started it, one after the other, until that one goes. */
export function takeOrders(handlers: Record<string, Handler>): void {
  let tail: Promise<unknown> = Promise.resolve();
  process.on("message", ({ id, name, given }: Order) => {
    tail = tail.then(async () => {
      const answer: Answer = { id };
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
