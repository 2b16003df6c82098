/** So many rows of a list lie in this part of it. */
export interface Bucket {
  start: number;
  count: number;
}

/**
 * The bucket that holds row number `offset` (from 0) of a list, and how many rows lie before that bucket: what must be
 * skipped is then less than one bucket, however deep the page. Null beyond the end.
 */
export function bucketAt(buckets: readonly Bucket[], offset: number): { start: number; before: number } | null {
  let before = 0;
  for (const { start, count } of buckets) {
    if (offset < before + count) return { start, before };
    before += count;
  }
  return null;
}
