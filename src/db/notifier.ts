/**
 * Wakes other processes that use the same database. A notification may be lost, so it carries nothing: it says only that
 * polling now is worthwhile.
 */
export interface Notifier {
  notify(): void;
  /** Calls `listener` on every notification, and whenever the listening connection may have missed one. */
  subscribe(listener: () => void): void;
}

/** SQLite has a single process, which wakes itself. */
export const NO_NOTIFIER: Notifier = { notify() {}, subscribe() {} };
