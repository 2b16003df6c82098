import type { Cell, Row } from "./rows.ts";

/** Identifies the rows of a table in any order: their number, and the sum of their hashes. */
export interface Digest {
  rows: number;
  sum: bigint;
}

const MASK = (1n << 64n) - 1n;

export function createDigest(): Digest {
  return { rows: 0, sum: 0n };
}

/** Adds rows. A duplicate row counts twice. */
export function addRows(digest: Digest, rows: readonly Row[]): void {
  for (const row of rows) {
    digest.rows++;
    digest.sum = (digest.sum + Bun.hash.xxHash64(JSON.stringify(row.map(canonical)))) & MASK;
  }
}

export function equalDigests(one: Digest, other: Digest): boolean {
  return one.rows === other.rows && one.sum === other.sum;
}

/** Sorts the keys of objects, since Postgres does not keep their order. */
function canonical(cell: Cell): unknown {
  if (cell === null || typeof cell !== "object") return cell;
  if (Array.isArray(cell)) return cell.map(canonical);
  const entries = Object.entries(cell).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, value]) => [name, canonical(value)]);
}
