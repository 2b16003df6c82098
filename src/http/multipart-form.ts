import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import busboy from "busboy";
import { AppError, invalid } from "../lib/errors.ts";

const MAX_FIELD_BYTES = 64 * 1024;
const MAX_FIELDS = 20;
/** Maximum size of a form besides its file. */
export const MAX_FORM_OVERHEAD_BYTES = MAX_FIELDS * MAX_FIELD_BYTES;

/** The file of a form, as a stream. */
export interface FormFile {
  /** The name of its field. */
  field: string;
  fileName: string | null;
  content: AsyncIterable<Uint8Array>;
}

/** A parsed form. */
interface Form<Taken> {
  fields: ReadonlyMap<string, string>;
  /** The result of `take`; undefined without a file. */
  file: Taken | undefined;
}

/** Returns whether the content type is multipart/form-data. */
export function isForm(contentType: string): boolean {
  return /^multipart\/form-data\b/i.test(contentType);
}

/**
 * Parses a form with at most one file, which `take` consumes as a stream.
 * @throws AppError MALFORMED or INVALID, and what `take` throws
 */
export async function parseForm<Taken>(
  body: AsyncIterable<Uint8Array>,
  contentType: string,
  take: (file: FormFile) => Promise<Taken>,
): Promise<Form<Taken>> {
  const parser = formParser(contentType);
  const fields = new Map<string, string>();
  let taken: Promise<Taken> | undefined;
  parser.on("file", (field, content, { filename }) => {
    // An upload may end before `take` listens to the stream, which then still gets the error.
    content.on("error", () => {});
    taken = take({ field, fileName: filename ?? null, content });
    // When `take` fails, for example on a full disk, nothing consumes the rest of the form.
    taken.catch((error) => parser.destroy(error));
  });
  parser.on("field", (name, value, { valueTruncated, nameTruncated }) => {
    if (valueTruncated || nameTruncated)
      parser.destroy(invalid(name.slice(0, 64), `expected at most ${MAX_FIELD_BYTES} bytes`));
    fields.set(name, value);
  });
  parser.on("filesLimit", () => parser.destroy(invalid("file", "expected one file")));
  for (const event of ["fieldsLimit", "partsLimit"] as const) {
    parser.on(event, () => parser.destroy(new AppError("MALFORMED", "The form has too many fields")));
  }
  try {
    await pipeline(Readable.from(body), parser);
  } finally {
    // Waits for `take`, so that the caller can clean up after it.
    await taken?.catch(() => {});
  }
  return { fields, file: await taken };
}

function formParser(contentType: string): busboy.Busboy {
  const limits = { files: 1, fields: MAX_FIELDS, fieldSize: MAX_FIELD_BYTES };
  try {
    return busboy({ headers: { "content-type": contentType }, limits, defParamCharset: "utf8" });
  } catch {
    throw new AppError("MALFORMED", "The content type of the form has no boundary");
  }
}

/** Builds the error for an upload that failed for an unknown reason. */
export function uploadInterrupted(cause: unknown): AppError {
  return new AppError("MALFORMED", "The upload was interrupted, or is not a well-formed form", { cause });
}
