import { AppError } from "../../lib/errors.ts";

/** Size of a block; the first one decides the encoding. */
const BLOCK_BYTES = 64 * 1024;

type Encoding = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";

/** First bytes of files that people upload instead of CSV (in Latin-1, so that a character is a byte). */
const OTHER_FORMATS: [signature: string, name: string][] = [
  ["PK\x03\x04", "an Excel workbook (.xlsx) or another ZIP archive"],
  ["\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"],
  ["%PDF-", "a PDF document"],
  ["\x1f\x8b", "compressed with gzip"],
];

/**
 * Converts a file to UTF-8 without byte order mark and yields it in blocks of 64 to 128 KiB (the last may be shorter).
 *
 * The encoding is detected from the byte order mark, else from the positions of NULs (UTF-16), else it is UTF-8 when the first
 * block is valid UTF-8 and Windows-1252 when not. Only the first block decides, so that the file is not read twice: a Windows-1252
 * file whose first 64 KiB are pure ASCII is taken for UTF-8, and its later accents become U+FFFD.
 * @throws AppError INVALID for a file that is not text
 */
export async function* decodeToUtf8Blocks(source: ReadableStream<Uint8Array>): AsyncGenerator<Buffer> {
  let decoder: TextDecoder | null | undefined;
  for await (const block of splitBlocks(source)) {
    if (decoder === undefined) {
      const encoding = detectEncoding(block);
      // UTF-8 needs no conversion: the parser accepts it.
      decoder = encoding === "utf-8" ? null : new TextDecoder(encoding);
      if (decoder === null) {
        yield startsWith(block, "\xef\xbb\xbf") ? block.subarray(3) : block;
        continue;
      }
    }
    yield decoder === null ? block : Buffer.from(decoder.decode(block, { stream: true }));
  }
  if (decoder) yield Buffer.from(decoder.decode());
}

async function* splitBlocks(source: ReadableStream<Uint8Array>): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    for (let start = 0; start < chunk.length; start += BLOCK_BYTES) {
      const part = chunk.subarray(start, start + BLOCK_BYTES);
      parts.push(part);
      size += part.length;
      if (size < BLOCK_BYTES) continue;
      yield Buffer.concat(parts);
      parts = [];
      size = 0;
    }
  }
  if (size > 0) yield Buffer.concat(parts);
}

function detectEncoding(start: Buffer): Encoding {
  const other = OTHER_FORMATS.find(([signature]) => startsWith(start, signature));
  if (other) throw notTextError(`The file is ${other[1]}, not a CSV file`);

  if (startsWith(start, "\xef\xbb\xbf")) return "utf-8";
  if (startsWith(start, "\xff\xfe")) return "utf-16le";
  if (startsWith(start, "\xfe\xff")) return "utf-16be";

  // A header is mostly ASCII, half of whose bytes are NUL in UTF-16: the second of each pair in little endian, the first in big endian.
  const sample = start.subarray(0, 256);
  const evenZeros = sample.filter((byte, index) => byte === 0 && index % 2 === 0).length;
  const oddZeros = sample.filter((byte, index) => byte === 0 && index % 2 === 1).length;
  if (oddZeros > 4 * evenZeros && oddZeros > sample.length / 8) return "utf-16le";
  if (evenZeros > 4 * oddZeros && evenZeros > sample.length / 8) return "utf-16be";
  if (evenZeros + oddZeros > 0) throw notTextError("The file is not text");

  try {
    new TextDecoder("utf-8", { fatal: true }).decode(start, { stream: true });
    return "utf-8";
  } catch {
    return "windows-1252";
  }
}

function startsWith(bytes: Buffer, signature: string): boolean {
  return bytes.subarray(0, signature.length).equals(Buffer.from(signature, "latin1"));
}

function notTextError(what: string): AppError {
  return new AppError(
    "INVALID",
    `${what}. Open it in the program it comes from and export it as CSV (UTF-8), then upload that file.`,
  );
}
