import { MAX_STATEMENT_VALUES } from "./sql.ts";

/** Limits the characters of all values of one statement. The largest batch of the program has about a tenth of it. */
const MAX_STATEMENT_CHARS = 64 * 2 ** 20;

/**
 * Rejects a statement that is too large, whether Drizzle (`values`, `inArray`) or hand-written SQL built it. SQLite accepts
 * 32,766 values, Postgres 65,535, and both keep all of them in memory.
 * @throws RangeError: cut the rows into slices (`slices.ts`)
 */
export function checkStatementSize(values: readonly unknown[]): void {
  checkValueCount(values.length);
  let chars = 0;
  for (const value of values) if (typeof value === "string") chars += value.length;
  if (chars > MAX_STATEMENT_CHARS) throw tooLarge(`${chars} characters`);
}

/** @throws RangeError beyond MAX_CELLS */
export function checkValueCount(count: number): void {
  if (count > MAX_STATEMENT_VALUES) throw tooLarge(`${count} values`);
}

const tooLarge = (size: string) => new RangeError(`a statement has ${size}: cut its rows into slices`);
