import { CsvError, type Options, parse } from "csv-parse/sync";
import { Fault } from "../fault.ts";

/** A row as it stands in the file: its cells, or why they cannot be told apart. `line` is the physical line (from 1) on which it starts. */
export type CsvRow = { line: number; cells: string[] } | { line: number; problem: string };

/** In bytes of UTF-8. Larger ones are not cells but the rest of a file after a quotation mark that is never closed. */
const MAX_CELL = 64 * 1024;
const MAX_ROW = 1024 * 1024;
const MAX_COLUMNS = 1_000;
/** Each costs as much as hundreds of good rows, and a file with more is not worth importing as it is. */
const MAX_CARELESS_ROWS = 50_000;

const DELIMITERS = [",", ";", "\t", "|"];
const SEPARATOR_LINE = /^sep=([,;\t|])\r?\n/i;
const LF = 10;
const CR = 13;

/**
 * The rows of a CSV file (RFC 4180, with LF and CR as well as CRLF, and `,`, `;`, tab or `|` between cells), its header first, in
 * batches; blank rows are left out. The delimiter is the one under which the header has the highest `score`, and then the most cells;
 * a first line `sep=;`, as Excel writes it, decides instead.
 *
 * A row with more cells than the header, or whose quotation marks make no sense, is a problem of its own: reading goes on at the next
 * physical line. Rows may be shorter than the header. Throws INVALID for a cell over 64 KiB, a header of over 1,000 columns and more
 * than 50,000 rows with misplaced quotation marks.
 *
 * Reads block by block with csv-parse's synchronous parser, so that memory does not grow with the file, and not with its stream:
 * that ends at the first bad row, together with the good rows it still holds.
 */
export async function* csvRows(
  blocks: AsyncIterable<Buffer>,
  score: (header: string[]) => number,
): AsyncGenerator<CsvRow[]> {
  let reader: RowReader | null = null;
  for await (const block of blocks) {
    const hint = reader === null ? SEPARATOR_LINE.exec(block.subarray(0, 8).toString("latin1")) : null;
    reader ??= new RowReader(hint?.[1] ?? delimiterOf(block, score), hint === null ? 1 : 2);
    yield reader.read(block.subarray(hint?.[0].length ?? 0), false);
  }
  if (reader) yield reader.read(Buffer.alloc(0), true);
}

class RowReader {
  readonly #delimiter: string;
  /** From the start of the first row that was not complete yet. */
  #held: Buffer = Buffer.alloc(0);
  #line: number;
  /** Of the header. */
  #width: number | null = null;
  #carelessRows = 0;

  constructor(delimiter: string, line: number) {
    this.#delimiter = delimiter;
    this.#line = line;
  }

  /** The rows that are complete with these further bytes; with `final`, all that are left. */
  read(more: Buffer, final: boolean): CsvRow[] {
    const read: CsvRow[] = [];
    const bytes = this.#held.length === 0 ? more : Buffer.concat([this.#held, more]);
    // Whole physical lines only: then a row with misplaced quotation marks always has its end of line at hand.
    const end = final ? bytes.length : endOfLines(bytes);
    let start = 0;
    while (start < end) {
      const { rows, failure } = parseRows(bytes.subarray(start, end), this.#delimiter);
      const base = start;
      for (const row of rows) {
        const rowEnd = base + row.end;
        if (!isBlank(row.cells)) read.push(this.#judge(row.cells, rowEnd - start));
        this.#line += lineBreaks(bytes, start, rowEnd);
        start = rowEnd;
      }
      if (failure === null || (failure === "CSV_QUOTE_NOT_CLOSED" && !final)) break;

      const lineEnd = endOfLine(bytes, start);
      read.push(this.#salvage(bytes.subarray(start, lineEnd)));
      this.#line += 1;
      start = lineEnd;
    }
    this.#held = bytes.subarray(start);
    if (this.#held.length > MAX_ROW) throw this.#tooLarge();
    return read;
  }

  #judge(cells: string[], size: number): CsvRow {
    if (size > MAX_CELL && cells.some((cell) => Buffer.byteLength(cell) > MAX_CELL)) throw this.#tooLarge();
    if (this.#width === null && cells.length > MAX_COLUMNS) {
      throw new Fault("INVALID", `The file has ${cells.length} columns; at most ${MAX_COLUMNS} can be read`);
    }
    this.#width ??= cells.length;
    const used = cells.length <= this.#width ? 0 : cells.findLastIndex((cell) => cell.trim() !== "") + 1;
    if (used <= this.#width) return { line: this.#line, cells };
    const problem = `The row has ${used} cells where the header has ${this.#width}; a cell that contains the separator must stand in quotation marks`;
    return { line: this.#line, problem };
  }

  /** A line of which only the quotes are careless (`5" pipe`, `"Bob" Ray`) is read for what it says, when that gives exactly the cells expected. */
  #salvage(line: Buffer): CsvRow {
    if (++this.#carelessRows > MAX_CARELESS_ROWS) {
      const message = `Line ${this.#line}: more than ${MAX_CARELESS_ROWS} rows have misplaced quotation marks. Export the file again as CSV.`;
      throw new Fault("INVALID", message);
    }
    const [row] = parseRows(line, this.#delimiter, { relax_quotes: true }).rows;
    if (row && row.cells.length === (this.#width ?? row.cells.length)) return this.#judge(row.cells, line.length);
    return { line: this.#line, problem: "A quotation mark is missing, or stands where none is expected" };
  }

  #tooLarge(): Fault {
    return new Fault(
      "INVALID",
      `Line ${this.#line}: the row is too large (at most 64 KiB a cell). Is a quotation mark on this line never closed?`,
    );
  }
}

function isBlank(cells: string[]): boolean {
  return cells.every((cell) => cell.trim() === "");
}

/** All rows, or those before the first that cannot be read, each with the offset at which it ends. */
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

function delimiterOf(start: Buffer, score: (header: string[]) => number): string {
  const ranked = DELIMITERS.map((delimiter) => {
    const { rows } = parseRows(start, delimiter, { relax_quotes: true, skip_empty_lines: true, to: 1 });
    const header = rows[0]?.cells ?? [];
    return { delimiter, score: header.length > MAX_COLUMNS ? 0 : score(header), width: header.length };
  });
  const best = ranked.toSorted((a, b) => b.score - a.score || b.width - a.width)[0];
  return best?.delimiter ?? ",";
}

/** Where the last complete line ends. A CR at the very end may be half a CRLF, and waits. */
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

function lineBreaks(bytes: Buffer, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at++) {
    if (bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] !== LF)) count++;
  }
  return count;
}
