import { MAX_CELLS } from "./sql.ts";

/** Characters that all values of one statement may have together. The largest batch of the program has about a tenth. */
export const MAX_STATEMENT_CHARS = 64 * 2 ** 20;

/**
 * Refuses a statement whose size depends on the data, whoever wrote it: Drizzle's `values` and `inArray` pass here as well
 * as SQL written by hand. SQLite takes 32,766 values at most, Postgres 65,535, and both keep all of them in memory.
 * @throws RangeError: work on more rows is cut into slices (`slices.ts`)
 */
export function checkStatementSize(values: readonly unknown[]): void {
  checkValueCount(values.length);
  let chars = 0;
  for (const value of values) if (typeof value === "string") chars += value.length;
  if (chars > MAX_STATEMENT_CHARS) throw tooLarge(`${chars} characters`);
}

/** @throws RangeError beyond MAX_CELLS */
export function checkValueCount(count: number): void {
  if (count > MAX_CELLS) throw tooLarge(`${count} values`);
}

const tooLarge = (what: string) => new RangeError(`a statement brings ${what}: cut its rows into slices`);
