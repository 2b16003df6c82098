import type { Database } from "bun:sqlite";
import type { Tx } from "../store.ts";
import type { LargeCommits } from "./large-commit.ts";

/** Transactions that wait for the writer at most: each keeps its data in memory while a long one runs. */
export const MAX_WAITING_WRITES = 1000;

/** A transaction that took longer may have written many pages. */
const LONG_TRANSACTION_MS = 200;

/** Has the code of Postgres' pool: the request may be repeated. */
const queueFullError = () =>
  Object.assign(new Error("too many transactions wait for the writer"), { code: "POOL_EXHAUSTED" });

interface WriteQueueOptions {
  writer: Database;
  largeCommits: LargeCommits;
  /** Creates the transaction that `work` receives. */
  createTx(): Tx;
  /** Is called after each transaction with its error, or with undefined. */
  onSettled(error?: unknown): void;
}

/** Runs transactions one after the other on the only handle that writes. */
export class WriteQueue {
  readonly #begin;
  readonly #commit;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(private readonly options: WriteQueueOptions) {
    this.#begin = options.writer.prepare("begin immediate");
    this.#commit = options.writer.prepare("commit");
  }

  /** @throws POOL_EXHAUSTED while MAX_WAITING_WRITES transactions wait */
  run<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    if (this.#waiting >= MAX_WAITING_WRITES) return Promise.reject(queueFullError());
    this.#waiting++;
    const result = this.#tail.then(() => {
      this.#waiting--;
      return this.#runTransaction(work);
    });
    this.#tail = result.catch(() => {});
    return result;
  }

  async #runTransaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const { writer, largeCommits, createTx, onSettled } = this.options;
    try {
      // Left open where the rollback failed as well, on a full disk.
      if (writer.inTransaction) writer.run("rollback");
      this.#begin.run();
      const startedAt = performance.now();
      const result = await work(createTx());
      if (performance.now() - startedAt > LONG_TRANSACTION_MS) await largeCommits.commit(() => this.#commit.run());
      else this.#commit.run();
      onSettled();
      return result;
    } catch (error) {
      rollBack(writer);
      onSettled(error);
      throw error;
    }
  }

  /** Waits for the last transaction and releases the statements. */
  async close(): Promise<void> {
    await this.#tail;
    await this.options.largeCommits.idle();
    this.#begin.finalize();
    this.#commit.finalize();
  }
}

/** Ends a failed transaction. SQLite itself ends it after some errors; a failure here must not replace the first error. */
function rollBack(writer: Database): void {
  try {
    if (writer.inTransaction) writer.run("rollback");
  } catch {
    // The next transaction rolls back before it begins.
  }
}
