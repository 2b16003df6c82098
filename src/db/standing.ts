import { SECOND } from "../clock.ts";
import { isOutage } from "./violations.ts";

/** So long must nothing have failed for the database to be back: a full disk still reads. Milliseconds. */
const CALM = 3 * SECOND;

/** Whether the database does its work, told once for each change. Nobody says so at the first success. */
export class Standing {
  #works = true;
  #failedAt = 0;

  constructor(readonly onChange: (works: boolean, error?: unknown) => void) {}

  /** After each use of the database: how it ended. What is the caller's own fault says nothing. */
  note(error?: unknown): void {
    if (error === undefined) {
      if (this.#works || performance.now() - this.#failedAt < CALM) return;
      this.#works = true;
      this.onChange(true);
    } else if (isOutage(error)) {
      this.#failedAt = performance.now();
      if (!this.#works) return;
      this.#works = false;
      this.onChange(false, error);
    }
  }
}
