/**
 * Statements that fill the counters of lists (`brand_days`, `message_tallies`) from the rows there are, for benchmarks that
 * write millions of rows without the service. The arithmetic is the same on both databases.
 */
export const COUNT_ROWS_SQL = [
  "INSERT INTO brand_days (start, count) SELECT created_at / 86400000 * 86400000, count(*) FROM brands GROUP BY 1",
  `INSERT INTO message_tallies (span, kind, start, status, shard, count)
SELECT 'HOUR', CASE WHEN stage = 0 THEN 'OPENING' ELSE 'FOLLOW_UP' END, scheduled_time / 3600000 * 3600000,
  CASE WHEN status IN ('SENDING', 'UNKNOWN') THEN 'PENDING' ELSE status END, 0, count(*) FROM messages GROUP BY 1, 2, 3, 4`,
  `INSERT INTO message_tallies (span, kind, start, status, shard, count)
SELECT 'DAY', kind, start / 86400000 * 86400000, status, 0, sum(count) FROM message_tallies WHERE span = 'HOUR' GROUP BY 1, 2, 3, 4`,
  `INSERT INTO message_tallies (span, kind, start, status, shard, count)
SELECT 'ALL', kind, 0, status, 0, sum(count) FROM message_tallies WHERE span = 'HOUR' GROUP BY 1, 2, 3, 4`,
];
