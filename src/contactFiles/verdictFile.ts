/** What became of one row of a contact file. */
export type Verdict =
  | "added"
  | "updated"
  | "duplicate"
  | "banned"
  | "bad_email"
  | "bad_phone"
  | "no_address"
  | "broken"
  | "active_elsewhere"
  | "quota";

/** `line` is the physical line of the imported file on which the row starts. `email` and `phone` may be what the file said, unchecked. */
export interface RowVerdict {
  line: number;
  verdict: Verdict;
  email: string | null;
  phone: string | null;
  message: string | null;
}

/** The first line of a verdict file. */
export const verdictHeader = "line,verdict,email,phone,message\r\n";

/** One row of a verdict file, with its line end. */
export function verdictLine(row: RowVerdict): string {
  return `${row.line},${row.verdict},${csvCell(row.email)},${csvCell(row.phone)},${csvCell(row.message)}\r\n`;
}

const E164 = /^\+[1-9]\d{6,14}$/;

/**
 * Before a character with which spreadsheets start a formula (OWASP "CSV Injection"; the wide forms are what East Asian keyboards type
 * and Excel takes for the same), at the start of the cell, of a line in it, or after what another locale takes for a separator. Quotation
 * marks and spaces before it do not help. Lazy, so that a run of tabs takes linear time.
 */
const FORMULA_START = /(?<=^|[\r\n;\t|])(?=(?:[^\S\r\n]|")*?[=+\-@\t\r\0＝＋－＠])/g;

/**
 * A text as a cell of a CSV file: quoted after RFC 4180 section 2, and with an apostrophe before whatever a spreadsheet would run.
 * A bare E.164 number is left alone: as a formula it is only itself, and with an apostrophe other programs would not import it.
 */
export function csvCell(text: string | null): string {
  if (text === null) return "";
  const safe = E164.test(text) ? text : text.replace(FORMULA_START, "'");
  return /[",\r\n;\t|]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
