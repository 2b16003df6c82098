/** What tells the engine when to look. The messages themselves are in the database; a driver that forgets loses nothing. */
export interface Driver {
  /** Something may be due: look soon. */
  wake(): void;
  /** Rejects while what it depends on beside the database does not answer. */
  ping(): Promise<void>;
  /** Claims nothing more, lets what is on its way come back, at most `within` milliseconds. */
  close(within: number): Promise<void>;
}
