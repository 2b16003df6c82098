import { Fault } from "../fault.ts";

/** Bytes handled at a time, and looked at to tell the encoding. */
const BLOCK = 64 * 1024;

type Encoding = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";

/** First bytes of what people upload instead of a CSV file (Latin-1, so that a character is a byte). */
const FOREIGN: [signature: string, name: string][] = [
  ["PK\x03\x04", "an Excel workbook (.xlsx) or another ZIP archive"],
  ["\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"],
  ["%PDF-", "a PDF document"],
  ["\x1f\x8b", "compressed with gzip"],
];

/**
 * The text of an uploaded file as UTF-8 without byte order mark, in blocks of 64 to 128 KiB (the last may be shorter), one at a time.
 *
 * The encoding is told from the byte order mark, else from where NULs stand (UTF-16), else it is UTF-8 when the first block is valid
 * UTF-8 and Windows-1252 when not. Only the first block decides, so that the file need not be read twice: a Windows-1252 file whose
 * first 64 KiB are pure ASCII is taken for UTF-8, and its later accents come out as U+FFFD.
 *
 * Throws INVALID for a file that is no text.
 */
export async function* utf8Blocks(source: ReadableStream<Uint8Array>): AsyncGenerator<Buffer> {
  let decoder: TextDecoder | null | undefined;
  for await (const block of blocks(source)) {
    if (decoder === undefined) {
      const encoding = encodingOf(block);
      // UTF-8, by far the most frequent, is what the parser reads: no need to decode and encode it.
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

async function* blocks(source: ReadableStream<Uint8Array>): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    for (let start = 0; start < chunk.length; start += BLOCK) {
      const part = chunk.subarray(start, start + BLOCK);
      parts.push(part);
      size += part.length;
      if (size < BLOCK) continue;
      yield Buffer.concat(parts);
      parts = [];
      size = 0;
    }
  }
  if (size > 0) yield Buffer.concat(parts);
}

function encodingOf(start: Buffer): Encoding {
  const foreign = FOREIGN.find(([signature]) => startsWith(start, signature));
  if (foreign) throw notText(`The file is ${foreign[1]}, not a CSV file`);

  if (startsWith(start, "\xef\xbb\xbf")) return "utf-8";
  if (startsWith(start, "\xff\xfe")) return "utf-16le";
  if (startsWith(start, "\xfe\xff")) return "utf-16be";

  // A header is mostly ASCII, half of whose bytes are NUL in UTF-16: the second of each pair in little endian, the first in big endian.
  const sample = start.subarray(0, 256);
  const even = sample.filter((byte, index) => byte === 0 && index % 2 === 0).length;
  const odd = sample.filter((byte, index) => byte === 0 && index % 2 === 1).length;
  if (odd > 4 * even && odd > sample.length / 8) return "utf-16le";
  if (even > 4 * odd && even > sample.length / 8) return "utf-16be";
  if (even + odd > 0) throw notText("The file is not text");

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

function notText(what: string): Fault {
  return new Fault(
    "INVALID",
    `${what}. Open it in the program it comes from and export it as CSV (UTF-8), then upload that file.`,
  );
}
