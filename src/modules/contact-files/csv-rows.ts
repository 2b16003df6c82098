import { CsvError, type Options, parse } from "csv-parse/sync";
import { AppError } from "../../lib/errors.ts";

/** The cells of a row, or why they cannot be parsed. `line` is the physical line (from 1) on which the row starts. */
type CsvRow = { line: number; cells: string[] } | { line: number; problem: string };

/** Maximum size in UTF-8. A larger cell is the rest of the file after a quotation mark that is never closed. */
const MAX_CELL_BYTES = 64 * 1024;
const MAX_ROW_BYTES = 1024 * 1024;
const MAX_COLUMNS = 1_000;
/** Rows with misplaced quotation marks. Each takes as long to parse as hundreds of good rows. */
const MAX_MALFORMED_ROWS = 50_000;

const DELIMITERS = [",", ";", "\t", "|"];
const SEPARATOR_LINE = /^sep=([,;\t|])\r?\n/i;
const LF = 10;
const CR = 13;

/**
 * Parses a CSV file (RFC 4180, with LF and CR as well as CRLF, and `,`, `;`, tab or `|` between cells) and yields its rows in
 * batches, the header first and without blank rows. The delimiter is the one under which the header has the highest `score`,
 * then the most cells; a first line `sep=;`, as Excel writes it, overrides it.
 *
 * A row with more cells than the header or with unbalanced quotation marks becomes a `problem`, and parsing goes on at the next
 * physical line. Rows may be shorter than the header.
 *
 * Parses block by block with csv-parse's synchronous parser, so that memory does not grow with the file. Its stream parser ends
 * at the first bad row and loses the good rows that it still holds.
 * @throws AppError INVALID for a cell over 64 KiB, a header of over 1,000 columns and more than 50,000 malformed rows
 */
export async function* parseCsvRows(
  blocks: AsyncIterable<Buffer>,
  score: (header: string[]) => number,
): AsyncGenerator<CsvRow[]> {
  let parser: RowParser | null = null;
  for await (const block of blocks) {
    const hint = parser === null ? SEPARATOR_LINE.exec(block.subarray(0, 8).toString("latin1")) : null;
    parser ??= new RowParser(hint?.[1] ?? detectDelimiter(block, score), hint === null ? 1 : 2);
    yield parser.parse(block.subarray(hint?.[0].length ?? 0), false);
  }
  if (parser) yield parser.parse(Buffer.alloc(0), true);
}

class RowParser {
  readonly #delimiter: string;
  /** The bytes from the start of the first incomplete row. */
  #pending: Buffer = Buffer.alloc(0);
  #line: number;
  /** Cells of the header. */
  #width: number | null = null;
  #malformedRows = 0;

  constructor(delimiter: string, line: number) {
    this.#delimiter = delimiter;
    this.#line = line;
  }

  /** Returns the rows that are complete with these further bytes; with `final`, all remaining rows. */
  parse(more: Buffer, final: boolean): CsvRow[] {
    const parsed: CsvRow[] = [];
    const bytes = this.#pending.length === 0 ? more : Buffer.concat([this.#pending, more]);
    // Whole physical lines only, so that the end of a malformed row is always known.
    const end = final ? bytes.length : endOfLines(bytes);
    let start = 0;
    while (start < end) {
      const { rows, failure } = parseRows(bytes.subarray(start, end), this.#delimiter);
      const base = start;
      for (const row of rows) {
        const rowEnd = base + row.end;
        if (!isBlank(row.cells)) parsed.push(this.#check(row.cells, rowEnd - start));
        this.#line += countLineBreaks(bytes, start, rowEnd);
        start = rowEnd;
      }
      if (failure === null || (failure === "CSV_QUOTE_NOT_CLOSED" && !final)) break;

      const lineEnd = endOfLine(bytes, start);
      parsed.push(this.#parseLoosely(bytes.subarray(start, lineEnd)));
      this.#line += 1;
      start = lineEnd;
    }
    this.#pending = bytes.subarray(start);
    if (this.#pending.length > MAX_ROW_BYTES) throw this.#tooLarge();
    return parsed;
  }

  /** Returns the row, or a problem when it has more cells than the header. @throws AppError INVALID for too large ones */
  #check(cells: string[], size: number): CsvRow {
    if (size > MAX_CELL_BYTES && cells.some((cell) => Buffer.byteLength(cell) > MAX_CELL_BYTES)) throw this.#tooLarge();
    if (this.#width === null && cells.length > MAX_COLUMNS) {
      throw new AppError("INVALID", `The file has ${cells.length} columns; at most ${MAX_COLUMNS} are supported`);
    }
    this.#width ??= cells.length;
    const used = cells.length <= this.#width ? 0 : cells.findLastIndex((cell) => cell.trim() !== "") + 1;
    if (used <= this.#width) return { line: this.#line, cells };
    const problem = `The row has ${used} cells, the header ${this.#width}; put cells that contain the separator in quotation marks`;
    return { line: this.#line, problem };
  }

  /** Parses a line with misplaced quotes (`5" pipe`, `"Bob" Ray`) literally, when that gives exactly the expected cells. */
  #parseLoosely(line: Buffer): CsvRow {
    if (++this.#malformedRows > MAX_MALFORMED_ROWS) {
      const message = `Line ${this.#line}: more than ${MAX_MALFORMED_ROWS} rows have misplaced quotation marks. Export the file again as CSV.`;
      throw new AppError("INVALID", message);
    }
    const [row] = parseRows(line, this.#delimiter, { relax_quotes: true }).rows;
    if (row && row.cells.length === (this.#width ?? row.cells.length)) return this.#check(row.cells, line.length);
    return { line: this.#line, problem: "A quotation mark is missing or misplaced" };
  }

  #tooLarge(): AppError {
    return new AppError(
      "INVALID",
      `Line ${this.#line}: the row is too large (at most 64 KiB a cell). Is a quotation mark on this line never closed?`,
    );
  }
}

function isBlank(cells: string[]): boolean {
  return cells.every((cell) => cell.trim() === "");
}

/** Parses all rows, or those before the first malformed one, each with the offset at which it ends. */
function parseRows(
  bytes: Buffer,
  delimiter: string,
  options: Options = {},
): { rows: { cells: string[]; end: number }[]; failure: string | null } {
  const rows: { cells: string[]; end: number }[] = [];
  try {
    parse(bytes, {
      delimiter,
      record_delimiter: ["\r\n", "\n", "\r"],
      relax_column_count: true,
      max_record_size: 0,
      on_record: (cells: string[], { bytes: end }) => {
        rows.push({ cells, end });
        return null;
      },
      ...options,
    });
    return { rows, failure: null };
  } catch (error) {
    if (error instanceof CsvError) return { rows, failure: error.code };
    throw error;
  }
}

function detectDelimiter(start: Buffer, score: (header: string[]) => number): string {
  const ranked = DELIMITERS.map((delimiter) => {
    const { rows } = parseRows(start, delimiter, { relax_quotes: true, skip_empty_lines: true, to: 1 });
    const header = rows[0]?.cells ?? [];
    return { delimiter, score: header.length > MAX_COLUMNS ? 0 : score(header), width: header.length };
  });
  const best = ranked.toSorted((a, b) => b.score - a.score || b.width - a.width)[0];
  return best?.delimiter ?? ",";
}

/** Finds the end of the last complete line. A CR at the very end may be the first half of a CRLF. */
function endOfLines(bytes: Buffer): number {
  return Math.max(bytes.lastIndexOf(LF), bytes.subarray(0, -1).lastIndexOf(CR)) + 1;
}

function endOfLine(bytes: Buffer, start: number): number {
  for (let at = start; at < bytes.length; at++) {
    if (bytes[at] === LF) return at + 1;
    if (bytes[at] === CR) return bytes[at + 1] === LF ? at + 2 : at + 1;
  }
  return bytes.length;
}

function countLineBreaks(bytes: Buffer, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at++) {
    if (bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] !== LF)) count++;
  }
  return count;
}
