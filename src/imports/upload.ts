import { createHash } from "node:crypto";
import { mkdir, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { Fault, invalid } from "../fault.ts";
import { brokenOff, FORM_SLACK, isForm, readForm } from "../files/form.ts";
import { FILE_MODE, FOLDER_MODE } from "../privateFiles.ts";

export const LARGEST_FILE = 1_000_000_000;

/** A file that has arrived, and what was said about it in the same form. */
export interface Upload {
  fileName: string | null;
  fields: ReadonlyMap<string, string>;
  /** Of the file, in hexadecimal. */
  sha256: string;
  /** Bytes of the file. */
  size: number;
}

/** Called with the bytes of each chunk before it is written; throws when there must be no more. */
type Take = (bytes: number) => Promise<void>;

/** What programs and browsers call a CSV file when it is the whole body. */
const BARE_FILE = /^(text\/|application\/(csv|x-csv|vnd\.ms-excel|octet-stream)\b|$)/i;

/** How a file is received. */
interface Reception {
  /** The largest file, in bytes. */
  limit?: number;
  body?: AsyncIterable<Uint8Array> | null;
  /** Is told of each piece before it is written. */
  take?: Take;
}

/**
 * Writes the file in a request, the body itself or the file of a form, to a new file at `path`, and onto the disk, in
 * constant memory. `body` stands for the one of the request where its speed is watched. Leaves nothing behind when it fails,
 * also by what `take` throws.
 * @throws Fault TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, INVALID without a file, MALFORMED when the upload breaks off
 */
export async function receiveFile(
  request: Request,
  path: string,
  { limit = LARGEST_FILE, body = request.body, take = async () => {} }: Reception = {},
): Promise<Upload> {
  const type = request.headers.get("content-type") ?? "";
  if (!isForm(type) && !BARE_FILE.test(type)) {
    throw new Fault("UNSUPPORTED_MEDIA_TYPE", "Expected a form (multipart/form-data) with a file, or text/csv");
  }
  if (request.body === null || body === null) throw noFile();
  if (Number(request.headers.get("content-length")) > limit + FORM_SLACK) throw tooLarge(limit);
  await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
  try {
    if (isForm(type)) return await receiveForm(body, type, (content) => save(content, path, limit, take));
    const { size, sha256 } = await save(body, path, limit, take);
    if (size === 0) throw noFile();
    return { fileName: null, fields: new Map(), sha256, size };
  } catch (error) {
    await rm(path, { force: true });
    throw faultOf(error);
  }
}

async function receiveForm(
  body: AsyncIterable<Uint8Array>,
  type: string,
  saved: (content: AsyncIterable<Uint8Array>) => Promise<Saved>,
): Promise<Upload> {
  const { fields, file } = await readForm(body, type, async ({ fileName, content }) => ({
    fileName,
    ...(await saved(content)),
  }));
  if (!file?.size) throw noFile();
  return { fileName: file.fileName, fields, sha256: file.sha256, size: file.size };
}

interface Saved {
  /** Bytes. */
  size: number;
  sha256: string;
}

async function save(source: AsyncIterable<Uint8Array>, path: string, limit: number, take: Take): Promise<Saved> {
  const file = await open(path, "wx", FILE_MODE);
  const hash = createHash("sha256");
  let size = 0;
  try {
    for await (const chunk of source) {
      size += chunk.length;
      if (size > limit) throw tooLarge(limit);
      await take(chunk.length);
      hash.update(chunk);
      await file.appendFile(chunk);
    }
    // The job is about to be promised durably; so must be the file it stands on.
    await file.sync();
    return { size, sha256: hash.digest("hex") };
  } finally {
    await file.close();
  }
}

const noFile = () => invalid("file", "expected a CSV file");
const tooLarge = (limit: number) => new Fault("TOO_LARGE", `The file is larger than ${limit / 1_000_000} MB`);

function faultOf(error: unknown): unknown {
  if (error instanceof Fault) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new Fault("UNAVAILABLE", "There is no room for the file: try again later", { cause: error });
  }
  if (syscall === "open" || syscall === "write") return error;
  return brokenOff(error);
}
