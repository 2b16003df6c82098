import type { Store } from "./store.ts";

/** Thrown by writes after `refuseWrites`. Callers see an unavailable database; the outage monitor ignores it. */
export class WritesRefused extends Error {
  readonly code = "CONNECTION_ENDED";
  constructor() {
    super("the process is stopping");
  }
}

/** A store whose writes can be refused permanently, while users of the wrapped store continue. */
export interface RefusableStore extends Store {
  /** Rejects all further transactions of this store at their commit, as if the database were unavailable. */
  refuseWrites(): void;
}

/**
 * Wraps a store for requests, which must not commit when the process is about to end: their callers would never receive the
 * response to what was written.
 */
export function createRefusableStore(store: Store): RefusableStore {
  let isRefused = false;
  const assertNotRefused = () => {
    if (isRefused) throw new WritesRefused();
  };
  return {
    ...store,
    async write(work) {
      assertNotRefused();
      return store.write(async (tx) => {
        assertNotRefused();
        const result = await work(tx);
        assertNotRefused();
        return result;
      });
    },
    refuseWrites() {
      isRefused = true;
    },
  };
}
