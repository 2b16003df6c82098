/** Calls the engine when messages are due. The messages are in the database: a driver that misses a wakeup loses nothing. */
export interface Driver {
  /** Starts a look for due messages soon. */
  wake(): void;
  /** Rejects while a service that it needs beside the database does not answer. */
  ping(): Promise<void>;
  /** Stops claiming and waits for the messages in flight, at most `within` milliseconds. */
  close(within: number): Promise<void>;
}
