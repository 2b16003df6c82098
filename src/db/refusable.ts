import type { Store } from "./store.ts";

/** What a write fails with that may not commit any more. To whoever writes the database is away; to the database it is nothing. */
export class WritesRefused extends Error {
  readonly code = "CONNECTION_ENDED";
  constructor() {
    super("the process is stopping");
  }
}

/** A store whose writes can be refused for good, while those who hold the store itself go on. */
export interface RefusableStore extends Store {
  /** From now on no transaction of this store commits: each fails as if the database were away. */
  refuseWrites(): void;
}

/**
 * Wraps a store for those who must not commit any more when the process is about to end: what a request wrote then would
 * be true without its caller hearing of it.
 */
export function refusable(store: Store): RefusableStore {
  let isRefused = false;
  const mustNotBeRefused = () => {
    if (isRefused) throw new WritesRefused();
  };
  return {
    ...store,
    async write(work) {
      mustNotBeRefused();
      return store.write(async (tx) => {
        mustNotBeRefused();
        const result = await work(tx);
        mustNotBeRefused();
        return result;
      });
    },
    refuseWrites() {
      isRefused = true;
    },
  };
}
