/** The result of importing one row. */
export type RowStatus =
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

/** `line` is the physical line of the imported file on which the row starts. `email` and `phone` may be unparsed text of the file. */
interface ResultLine {
  line: number;
  verdict: RowStatus;
  email: string | null;
  phone: string | null;
  message: string | null;
}

/** The first line of a result file. */
export const RESULT_FILE_HEADER = "line,verdict,email,phone,message\r\n";

/** Formats one line of a result file, with its line end. */
export function formatResultLine(row: ResultLine): string {
  return `${row.line},${row.verdict},${formatCsvCell(row.email)},${formatCsvCell(row.phone)},${formatCsvCell(row.message)}\r\n`;
}

const E164 = /^\+[1-9]\d{6,14}$/;

/**
 * Matches before a character with which spreadsheets start a formula (OWASP "CSV Injection"; Excel treats the wide forms of East
 * Asian keyboards alike), at the start of the cell or of a line in it, or after the separator of another locale, also behind
 * quotation marks and spaces. Lazy, so that a run of tabs takes linear time.
 */
const FORMULA_START = /(?<=^|[\r\n;\t|])(?=(?:[^\S\r\n]|")*?[=+\-@\t\r\0＝＋－＠])/g;

/**
 * Formats a cell of a CSV file: quoted as in RFC 4180 section 2, with an apostrophe before text that a spreadsheet would
 * run. A bare E.164 number gets none: as a formula it evaluates to itself, and other programs do not import it with an
 * apostrophe.
 */
export function formatCsvCell(text: string | null): string {
  if (text === null) return "";
  const safe = E164.test(text) ? text : text.replace(FORMULA_START, "'");
  return /[",\r\n;\t|]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
