const MAX_CAUSES = 5;

/** Lists an error and its causes, the outermost first. Drivers, and Drizzle around them, nest the database's own error. */
export function listCauses(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let at = error; at instanceof Error && causes.length < MAX_CAUSES; at = at.cause) causes.push(at);
  return causes;
}

function listCodes(error: unknown): string[] {
  return listCauses(error).flatMap((cause) => ("code" in cause && typeof cause.code === "string" ? [cause.code] : []));
}

/** Returns whether a unique key rejected the row: SQLITE_CONSTRAINT_UNIQUE/_PRIMARYKEY, or Postgres' 23505. */
export function isUniqueViolation(error: unknown): boolean {
  return listCodes(error).some(
    (code) => code === "23505" || code === "SQLITE_CONSTRAINT_UNIQUE" || code === "SQLITE_CONSTRAINT_PRIMARYKEY",
  );
}

/** Returns whether a foreign key rejected the change: SQLITE_CONSTRAINT_FOREIGNKEY, or Postgres' 23503. */
export function isForeignKeyViolation(error: unknown): boolean {
  return listCodes(error).some((code) => code === "23503" || code === "SQLITE_CONSTRAINT_FOREIGNKEY");
}

/** Returns whether the same transaction may succeed if run again: Postgres' 40001 (serialisation) and 40P01 (deadlock). */
export function isRetryable(error: unknown): boolean {
  return listCodes(error).some((code) => code === "40001" || code === "40P01");
}

/**
 * Codes of a database that cannot be used: the network's and the driver's; Postgres' classes 08 (connection), 53 (out of
 * connections, disk, memory), 57P0x (shutting down, starting up), 58 (its own disk), 25006 (a replica) and 25P03 (this
 * process was stopped for too long); SQLite's disk.
 */
const OUTAGE_CODES = [
  /^E(CONNREFUSED|CONNRESET|CONNABORTED|TIMEDOUT|PIPE|HOSTUNREACH|HOSTDOWN|NETUNREACH|NETDOWN|NOTFOUND|AI_AGAIN|MFILE|NFILE)$/,
  /^(CONNECT_TIMEOUT|CONNECTION_(CLOSED|ENDED)|ERR_STREAM_DESTROYED)$/,
  /^(08...|53...|57P0.|58...|25006|25P03)$/,
  /^SQLITE_(FULL|IOERR|CANTOPEN|READONLY)/,
];

/**
 * Codes of a failure that may pass at once and says nothing about the database: a lock, a statement's time limit, no free
 * connection, a connection that was destroyed because its answer would never come.
 */
const TRANSIENT_CODES = /^(57014|55P03|POOL_EXHAUSTED|CONNECTION_DESTROYED|SQLITE_BUSY.*|SQLITE_LOCKED.*)$/;

/** Returns whether the database cannot be used: it is unreachable, full, starting, stopping or a replica. */
export function isOutage(error: unknown): boolean {
  return listCodes(error).some((code) => OUTAGE_CODES.some((pattern) => pattern.test(code)));
}

/** Returns whether the request may be repeated later: the database cannot be used, or was too busy. */
export function isUnavailable(error: unknown): boolean {
  return isOutage(error) || listCodes(error).some((code) => TRANSIENT_CODES.test(code));
}
