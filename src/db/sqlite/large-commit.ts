import type { Database } from "bun:sqlite";
import { open, stat } from "node:fs/promises";

/** Pages of the log after which SQLite itself checkpoints, on the thread that commits. */
export const CHECKPOINT_PAGES = 8000;
/** A log of this size is checkpointed on another thread: at 32 MB it takes about 50 ms, at 1.3 GB ten seconds. */
const LARGE_LOG_BYTES = 64 * 2 ** 20;

/**
 * The code of the checkpoint thread. It has a connection of its own, and a passive checkpoint blocks neither readers nor
 * writers. As text, so that it is part of the single binary.
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

/** Commits transactions of many rows without blocking the thread for the time of the checkpoint. */
export class LargeCommits {
  #checkpoint: Promise<void> | null = null;

  constructor(
    private readonly writer: Database,
    private readonly path: string,
    private readonly durability: "full" | "off",
  ) {}

  /** Commits a long transaction by calling `run`. A large log is synchronised to the disk on another thread before. */
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

  /** Waits for the checkpoint thread. */
  async idle(): Promise<void> {
    await this.#checkpoint;
  }

  async #isLarge(): Promise<boolean> {
    return (await stat(`${this.path}-wal`)).size >= LARGE_LOG_BYTES;
  }

  /** Checkpoints on another thread. SQLite's own checkpoints are disabled until then. */
  async #run(): Promise<void> {
    const worker = new Worker(URL.createObjectURL(new Blob([WORKER], { type: "application/javascript" })));
    await new Promise<void>((resolve) => {
      worker.onmessage = () => resolve();
      // SQLite then checkpoints with one of the next commits.
      worker.onerror = () => resolve();
      worker.postMessage({ path: this.path, durability: this.durability });
    });
    worker.terminate();
  }
}
