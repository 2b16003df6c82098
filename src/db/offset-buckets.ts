/** A part of a list, and how many rows it has. */
export interface Bucket {
  start: number;
  count: number;
}

/**
 * Finds the bucket that contains row number `offset` (from 0) of a list, and counts the rows before that bucket. A query then
 * skips less than one bucket, however deep the page. Null beyond the end.
 */
export function findBucket(buckets: readonly Bucket[], offset: number): { start: number; before: number } | null {
  let before = 0;
  for (const { start, count } of buckets) {
    if (offset < before + count) return { start, before };
    before += count;
  }
  return null;
}
