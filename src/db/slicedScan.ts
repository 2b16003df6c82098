/** Rows that one slice of a filtered list may visit: about 1 ms on SQLite. */
export const SCAN_SLICE_ROWS = 1_000;
/** Slices of one request; after them it answers what it has, and the cursor goes on. */
export const SCAN_SLICES = 25;

export interface SlicedScan<Row> {
  /** Where the list goes on; null at its start. */
  after: string | null;
  limit: number;
  /** Awaited before each slice. */
  pause: () => Promise<void>;
  /** The id of the row `SCAN_SLICE_ROWS` further in the list's index, whatever its values; null when there are fewer. */
  boundary: (after: string | null) => Promise<string | null>;
  /** At most `limit` rows that pass the filter, after one id and up to the other. */
  rows: (after: string | null, upTo: string | null, limit: number) => Promise<Row[]>;
  idOf: (row: Row) => string;
}

/**
 * One page of a list whose filter no index serves: a rare value would make one statement read all rows to find a page's worth.
 * Each statement reads a slice of the list's own index, and others are let in between. `next` is where to go on.
 */
export async function scanInSlices<Row>({
  after,
  limit,
  pause,
  boundary,
  rows,
  idOf,
}: SlicedScan<Row>): Promise<{ rows: Row[]; next: string | null }> {
  const found: Row[] = [];
  let from = after;
  for (let slice = 1; ; slice++) {
    await pause();
    const upTo = await boundary(from);
    found.push(...(await rows(from, upTo, limit + 1 - found.length)));
    const last = found[limit - 1];
    if (found.length > limit && last) return { rows: found.slice(0, limit), next: idOf(last) };
    if (upTo === null) return { rows: found, next: null };
    if (slice >= SCAN_SLICES) return { rows: found, next: upTo };
    from = upTo;
  }
}
