import type { Database } from "bun:sqlite";
import { open, stat } from "node:fs/promises";

/** Pages of the log after which SQLite itself copies them back into the database, on the thread of whoever commits. */
export const CHECKPOINT_PAGES = 8000;
/** A log of this size is copied by another thread: at 32 MB that takes about 50 ms, at 1.3 GB ten seconds. */
const LARGE_LOG_BYTES = 64 * 2 ** 20;

/**
 * What the other thread runs. It holds a connection of its own, and a passive checkpoint keeps nobody from reading or
 * writing. As text, so that it is part of the one binary.
 */
const WORKER = `
import { Database } from "bun:sqlite";
self.onmessage = ({ data: { path, durability } }) => {
  const handle = new Database(path);
  try {
    handle.run("pragma synchronous = " + durability);
    handle.run("pragma wal_checkpoint(passive)");
  } finally {
    handle.close();
    self.postMessage("done");
  }
};`;

/** Keeps the end of a transaction of very many rows from holding the thread. */
export class LargeCommits {
  #checkpoint: Promise<void> | null = null;

  constructor(
    private readonly writer: Database,
    private readonly path: string,
    private readonly durability: "full" | "off",
  ) {}

  /** Commits by `run` a transaction that took long. What it has in the log is brought to the disk elsewhere before. */
  async commit(run: () => void): Promise<void> {
    if (!(await this.#isLarge())) return run();
    if (this.durability === "full") {
      const file = await open(`${this.path}-wal`, "r");
      await file.datasync().finally(() => file.close());
    }
    this.writer.run("pragma wal_autocheckpoint = 0");
    try {
      run();
    } finally {
      this.#checkpoint ??= this.#run().finally(() => {
        this.#checkpoint = null;
        this.writer.run(`pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
      });
    }
  }

  /** Resolves when no other thread is at work. */
  async idle(): Promise<void> {
    await this.#checkpoint;
  }

  async #isLarge(): Promise<boolean> {
    return (await stat(`${this.path}-wal`)).size >= LARGE_LOG_BYTES;
  }

  /** Copies the log back into the database on another thread. Until that is done SQLite does not begin with it by itself. */
  async #run(): Promise<void> {
    const worker = new Worker(URL.createObjectURL(new Blob([WORKER], { type: "application/javascript" })));
    await new Promise<void>((resolve) => {
      worker.onmessage = () => resolve();
      // SQLite does it with one of the next commits then.
      worker.onerror = () => resolve();
      worker.postMessage({ path: this.path, durability: this.durability });
    });
    worker.terminate();
  }
}
