import type { Cell, Row } from "./rows.ts";

/** What a table holds, whatever order its rows are read in: how many there are, and the sum of a hash of each. */
export interface Digest {
  rows: number;
  sum: bigint;
}

const MASK = (1n << 64n) - 1n;

export function emptyDigest(): Digest {
  return { rows: 0, sum: 0n };
}

/** Counts rows in. A row that is there twice counts twice. */
export function take(digest: Digest, rows: readonly Row[]): void {
  for (const row of rows) {
    digest.rows++;
    digest.sum = (digest.sum + Bun.hash.xxHash64(JSON.stringify(row.map(canonical)))) & MASK;
  }
}

export function isEqual(one: Digest, other: Digest): boolean {
  return one.rows === other.rows && one.sum === other.sum;
}

/** Postgres keeps no order of an object's keys. */
function canonical(cell: Cell): unknown {
  if (cell === null || typeof cell !== "object") return cell;
  if (Array.isArray(cell)) return cell.map(canonical);
  const entries = Object.entries(cell).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, value]) => [name, canonical(value)]);
}
