/** Rows that one slice of a filtered list visits: about 1 ms on SQLite. */
export const SCAN_SLICE_ROWS = 1_000;
/** Slices of one request at most. It then returns the rows found so far, and a cursor that continues. */
export const SCAN_SLICES = 25;

export interface SlicedScan<Row> {
  /** The id after which the page begins; null for the first page. */
  after: string | null;
  limit: number;
  /** Awaited before each slice. */
  pause: () => Promise<void>;
  /** Returns the id of the row SCAN_SLICE_ROWS further in the list's index, matching or not; null when there are fewer. */
  boundary: (after: string | null) => Promise<string | null>;
  /** Returns at most `limit` matching rows after one id and up to the other. */
  rows: (after: string | null, upTo: string | null, limit: number) => Promise<Row[]>;
  idOf: (row: Row) => string;
}

/**
 * Reads one page of a list whose filter has no index: for a rare value one statement would read all rows to fill a page. Each
 * statement reads a slice of the list's own index, with a pause between two slices. `next` is the id to continue after.
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
