/** The destination of ledger anchors outside of the database. */
export type LedgerAnchor = { kind: "log" } | { kind: "file"; path: string } | { kind: "webhook"; url: string };

/** Parses LEDGER_ANCHOR; null when it is not set. Adds a message to `problems` when it is invalid. */
export function parseLedgerAnchor(given: string | null, problems: string[]): LedgerAnchor | null {
  if (given === null) return null;
  if (given === "log") return { kind: "log" };
  if (!/^[a-z][a-z0-9+.-]*:/i.test(given)) return { kind: "file", path: given };
  if (URL.parse(given)?.protocol === "https:") return { kind: "webhook", url: given };
  problems.push("LEDGER_ANCHOR: expected log, the path of a file, or a URL that starts with https://");
  return null;
}
