/** Rows that one slice of a filtered list visits: about 1 ms on SQLite. */
export const SCAN_SLICE_ROWS = 1_000;
/** Slices of one request at most. It then returns the rows found so far, and a cursor that continues. */
export const MAX_SCAN_SLICES = 25;

export interface SlicedScan<Row> {
  /** The id after which the page begins; null for the first page. */
  after: string | null;
  limit: number;
  /** Is awaited before each slice. */
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
    if (slice >= MAX_SCAN_SLICES) return { rows: found, next: upTo };
    from = upTo;
  }
}

export interface CountedScan<Place> {
  offset: number;
  limit: number;
  /** Is awaited before each slice. */
  pause: () => Promise<void>;
  /** Finds the place `SCAN_SLICE_ROWS` further in the list's index, for any filter; null when there are fewer rows. */
  boundary: (after: Place | null) => Promise<Place | null>;
  /** Lists the ids of the rows that pass the filter, in the order of the list, after `after` and up to `upTo`. */
  ids: (after: Place | null, upTo: Place | null) => Promise<readonly string[]>;
}

/**
 * Lists the ids on one page of a list that has no index for its filter and whose response contains the number of matches.
 * Visits all rows, a slice of the list's own index with each statement; other work runs between two slices.
 */
export async function countInSlices<Place>({
  offset,
  limit,
  pause,
  boundary,
  ids,
}: CountedScan<Place>): Promise<{ ids: string[]; total: number }> {
  const page: string[] = [];
  let total = 0;
  for (let from: Place | null = null; ; ) {
    await pause();
    const upTo: Place | null = await boundary(from);
    const found = await ids(from, upTo);
    const [begin, end] = [offset - total, offset + limit - total];
    page.push(...found.slice(Math.max(begin, 0), Math.max(end, 0)));
    total += found.length;
    if (upTo === null) return { ids: page, total };
    from = upTo;
  }
}
