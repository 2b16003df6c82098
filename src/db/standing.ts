import { SECOND } from "../clock.ts";
import { callLater, type OnListenerError } from "./listeners.ts";
import { WritesRefused } from "./refusable.ts";
import { isOutage, isUnavailable } from "./violations.ts";

/** So long must nothing have failed for the database to be back: a full disk still reads. Milliseconds. */
const CALM = 3 * SECOND;

/** Errors that `onChange` has told of, or that came in the same trouble. */
const told = new WeakSet<object>();

/** An error and what caused it, the outermost first. */
function* causesOf(error: unknown): Generator<object> {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) yield at;
}

/** Whether an error is one more echo of a database that is away, of which one line in the log is enough. */
export function isEcho(error: unknown): boolean {
  return causesOf(error).some((cause) => told.has(cause));
}

/** Whether the database does its work, told once for each change. Nobody says so at the first success. */
export class Standing {
  #works = true;
  #failedAt = 0;
  #hasEnded = false;

  constructor(
    readonly onChange: (works: boolean, error?: unknown) => void,
    /** Takes what `onChange` throws: it never reaches the store. */
    readonly onListenerError: OnListenerError = () => {},
  ) {}

  /**
   * Records how a use of the database ended. What is the caller's own fault says nothing. Never throws, and calls nobody
   * before the caller is done: it is called where errors are handled.
   */
  note(error?: unknown): void {
    if (this.#hasEnded || causesOf(error).some((cause) => cause instanceof WritesRefused)) return;
    if (error === undefined) {
      if (this.#works || performance.now() - this.#failedAt < CALM) return;
      this.#works = true;
      callLater(() => this.onChange(true), this.onListenerError);
    } else if (isUnavailable(error) && (isOutage(error) || !this.#works)) {
      for (const cause of causesOf(error)) told.add(cause);
      if (isOutage(error)) this.#failedAt = performance.now();
      if (!this.#works) return;
      this.#works = false;
      // What Drizzle puts around it quotes SQL.
      const reason = [...causesOf(error)].at(-1);
      callLater(() => this.onChange(false, reason), this.onListenerError);
    }
  }

  /** Says nothing any more: the connections are about to be closed by this process itself. */
  end(): void {
    this.#hasEnded = true;
  }
}
