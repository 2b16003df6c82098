import { isPhoneCountry, normaliseEmail } from "../../lib/addresses.ts";
import { AppError, invalid } from "../../lib/errors.ts";
import { applyMapping, formatColumns, type Mapping, mapColumns } from "./columns.ts";
import { parseCsvRows } from "./csv-rows.ts";
import { decodeToUtf8Blocks } from "./encoding.ts";
import { cleanCell, type FileRow, parseFileRow } from "./file-row.ts";

export interface ContactFileOptions {
  /** Column name → field, see `applyMapping`. */
  mapping?: Record<string, string>;
  /** ISO 3166-1 (`US`): the country of phone numbers without a country code. */
  defaultCountry?: string;
}

/**
 * Parses a contact file row by row, in constant memory and with backpressure; leaving the loop cancels `source`.
 * Encoding (`decodeToUtf8Blocks`) and delimiter (`parseCsvRows`) are detected; columns are recognised or taken from the mapping.
 * @throws AppError INVALID before the first row for a bad mapping or country, an empty file, a file that is not text and a
 * header without e-mail or phone column; for an oversized cell when it is reached
 */
export async function* parseContactFile(
  source: ReadableStream<Uint8Array>,
  { mapping: given, defaultCountry }: ContactFileOptions,
): AsyncGenerator<FileRow> {
  if (defaultCountry !== undefined && !isPhoneCountry(defaultCountry)) {
    await source.cancel();
    throw invalid("defaultCountry", "expected a two-letter country code such as US or GB");
  }
  let mapping: Mapping | null = null;
  for await (const rows of parseCsvRows(decodeToUtf8Blocks(source), (header) => countKnownColumns(header, given))) {
    for (const row of rows) {
      if ("cells" in row) {
        if (mapping !== null) yield parseFileRow(row.line, row.cells, mapping, defaultCountry);
        else mapping = buildMapping(row.cells.map(cleanCell), given);
      } else {
        if (mapping === null) throw new AppError("INVALID", `The header on line ${row.line}: ${row.problem}`);
        yield { line: row.line, verdict: "broken", message: row.problem, email: "", phone: "" };
      }
    }
  }
  if (mapping === null) throw new AppError("INVALID", "The file is empty");
}

function countKnownColumns(header: string[], given: Record<string, string> = {}): number {
  const { custom: _, ...recognised } = mapColumns(header);
  return Object.keys(recognised).length + header.filter((name) => Object.hasOwn(given, name.trim())).length;
}

function buildMapping(header: string[], given: Record<string, string> | undefined): Mapping {
  const mapping = given ? applyMapping(header, given) : mapColumns(header);
  if (mapping.email || mapping.phone) return mapping;
  const isPerson = header.some((cell) => normaliseEmail(cell) !== null);
  const hint = isPerson
    ? "The first row looks like a contact: add a row with column names above it."
    : `Name one of them "Email" or "Phone", or send a mapping such as {${JSON.stringify(header[0])}: "email"}.`;
  throw new AppError(
    "INVALID",
    `The file has no e-mail or phone column. Its columns: ${formatColumns(header)}. ${hint}`,
  );
}
