/** Tells the engine when to look. The messages are in the database: a driver that misses a wakeup loses nothing. */
export interface Driver {
  /** Starts a look for due messages soon. */
  wake(): void;
  /** Rejects while a service that it needs beside the database does not answer. */
  ping(): Promise<void>;
  /** Claims nothing more and waits for what is in flight, at most `within` milliseconds. */
  close(within: number): Promise<void>;
}
