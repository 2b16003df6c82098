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

/** True when the database could not be reached, is full or is locked: the request may be repeated later. */
export function isUnavailable(error: unknown): boolean {
  return codesOf(error).some(
    (code) =>
      /^(ECONNREFUSED|ECONNRESET|CONNECT_TIMEOUT|CONNECTION_|57P0|53|08)/.test(code) ||
      /^SQLITE_(BUSY|FULL|IOERR|READONLY)/.test(code),
  );
}
