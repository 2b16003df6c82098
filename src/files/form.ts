import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import busboy from "busboy";
import { Fault, invalid } from "../fault.ts";

const LARGEST_FIELD = 64 * 1024;
const MOST_FIELDS = 20;
/** How much larger than its file a form may be. */
export const FORM_SLACK = MOST_FIELDS * LARGEST_FIELD;

/** The file of a form while it arrives. */
export interface ArrivingFile {
  /** The name of its field. */
  field: string;
  fileName: string | null;
  content: AsyncIterable<Uint8Array>;
}

/** What a form said. */
export interface Form<Taken> {
  fields: ReadonlyMap<string, string>;
  /** What was made of the file; undefined where there was none. */
  file: Taken | undefined;
}

/** Whether the body of a request is a form that may hold files. */
export function isForm(contentType: string): boolean {
  return /^multipart\/form-data\b/i.test(contentType);
}

/**
 * Reads a form with at most one file, which `take` reads while it arrives.
 * @throws Fault MALFORMED or INVALID, and whatever `take` throws
 */
export async function readForm<Taken>(
  body: AsyncIterable<Uint8Array>,
  contentType: string,
  take: (file: ArrivingFile) => Promise<Taken>,
): Promise<Form<Taken>> {
  const parser = formParser(contentType);
  const fields = new Map<string, string>();
  let taken: Promise<Taken> | undefined;
  parser.on("file", (field, content, { filename }) => {
    // An upload may break off before anybody listens to the file, who then learns of it all the same.
    content.on("error", () => {});
    taken = take({ field, fileName: filename ?? null, content });
    // A disk that is full must not leave the form waiting for somebody to read the rest.
    taken.catch((error) => parser.destroy(error));
  });
  parser.on("field", (name, value, { valueTruncated, nameTruncated }) => {
    if (valueTruncated || nameTruncated)
      parser.destroy(invalid(name.slice(0, 64), `expected at most ${LARGEST_FIELD} bytes`));
    fields.set(name, value);
  });
  parser.on("filesLimit", () => parser.destroy(invalid("file", "expected one file")));
  for (const event of ["fieldsLimit", "partsLimit"] as const) {
    parser.on(event, () => parser.destroy(new Fault("MALFORMED", "The form has too many fields")));
  }
  try {
    await pipeline(Readable.from(body), parser);
  } finally {
    // Whoever removes what was taken must not come before whoever takes it.
    await taken?.catch(() => {});
  }
  return { fields, file: await taken };
}

function formParser(contentType: string): busboy.Busboy {
  const limits = { files: 1, fields: MOST_FIELDS, fieldSize: LARGEST_FIELD };
  try {
    return busboy({ headers: { "content-type": contentType }, limits, defParamCharset: "utf8" });
  } catch {
    throw new Fault("MALFORMED", "The form could not be read: its content type names no boundary");
  }
}

/** What the caller is told of an upload that failed in a way which nobody foresaw. */
export function brokenOff(cause: unknown): Fault {
  return new Fault("MALFORMED", "The upload broke off, or is not a well-formed form", { cause });
}
