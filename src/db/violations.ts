/** Walks an error and its causes: each driver, and Drizzle around it, nests the database's own code elsewhere. */
function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ("code" in at && typeof at.code === "string") codes.push(at.code);
  }
  return codes;
}

/** True when a unique key refused the row: SQLITE_CONSTRAINT_UNIQUE/_PRIMARYKEY, or Postgres' 23505. */
export function isUniqueViolation(error: unknown): boolean {
  return codesOf(error).some(
    (code) => code === "23505" || code === "SQLITE_CONSTRAINT_UNIQUE" || code === "SQLITE_CONSTRAINT_PRIMARYKEY",
  );
}

/** True when a foreign key refused the change: SQLITE_CONSTRAINT_FOREIGNKEY, or Postgres' 23503. */
export function isForeignKeyViolation(error: unknown): boolean {
  return codesOf(error).some((code) => code === "23503" || code === "SQLITE_CONSTRAINT_FOREIGNKEY");
}

/** True when the same transaction may succeed if run again: Postgres' 40001 (serialisation) and 40P01 (deadlock). */
export function isRetryable(error: unknown): boolean {
  return codesOf(error).some((code) => code === "40001" || code === "40P01");
}

/**
 * The way to it is broken (the system's words and the driver's); Postgres' classes 08 (connection), 53 (out of
 * connections, disk, memory), 57P0x (shutting down, starting up), 58 (its own disk), 25006 (a replica) and 25P03 (we were
 * stopped for too long); SQLite's disk.
 */
const OUTAGE = [
  /^E(CONNREFUSED|CONNRESET|CONNABORTED|TIMEDOUT|PIPE|HOSTUNREACH|HOSTDOWN|NETUNREACH|NETDOWN|NOTFOUND|AI_AGAIN|MFILE|NFILE)$/,
  /^(CONNECT_TIMEOUT|CONNECTION_(CLOSED|ENDED)|ERR_STREAM_DESTROYED)$/,
  /^(08...|53...|57P0.|58...|25006|25P03)$/,
  /^SQLITE_(FULL|IOERR|CANTOPEN|READONLY)/,
];

/**
 * What may well be gone in a moment and says nothing about the database: a lock, a statement's time, no connection free,
 * one that we cut because no answer would come.
 */
const MOMENT = /^(57014|55P03|POOL_EXHAUSTED|CONNECTION_DESTROYED|SQLITE_BUSY.*|SQLITE_LOCKED.*)$/;

/** True when the database is away: it cannot be reached, or is full, starting, stopping or a replica. */
export function isOutage(error: unknown): boolean {
  return codesOf(error).some((code) => OUTAGE.some((pattern) => pattern.test(code)));
}

/** True when the request may be repeated later: the database is away, or was too busy for it. */
export function isUnavailable(error: unknown): boolean {
  return isOutage(error) || codesOf(error).some((code) => MOMENT.test(code));
}
