import { createHash } from "node:crypto";
import { mkdir, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { isForm, MAX_FORM_OVERHEAD_BYTES, parseForm, uploadInterrupted } from "../../http/multipart-form.ts";
import { FILE_MODE, FOLDER_MODE } from "../../lib/data-folder/private-files.ts";
import { AppError, invalid } from "../../lib/errors.ts";

export const MAX_FILE_BYTES = 1_000_000_000;

/** A received file, with the other fields of its form. */
interface Upload {
  fileName: string | null;
  fields: ReadonlyMap<string, string>;
  /** Of the file, hexadecimal. */
  sha256: string;
  /** Bytes of the file. */
  size: number;
}

/** Called with the size of each chunk before it is written; throws to refuse it. */
type Take = (bytes: number) => Promise<void>;

/** Content types under which programs and browsers send a CSV file as the whole body. */
const CSV_CONTENT_TYPE = /^(text\/|application\/(csv|x-csv|vnd\.ms-excel|octet-stream)\b|$)/i;

interface ReceiveOptions {
  /** The maximum size of the file, in bytes. */
  limit?: number;
  body?: AsyncIterable<Uint8Array> | null;
  take?: Take;
}

/**
 * Writes the file of a request (the body itself or the file of a form) to a new file at `path` and syncs it to disk, in
 * constant memory. `body` replaces the request's own body, for example with one whose speed is watched. Deletes the file on
 * any error, including those that `take` throws.
 * @throws AppError TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, INVALID without a file, MALFORMED when the upload is interrupted
 */
export async function receiveFile(
  request: Request,
  path: string,
  { limit = MAX_FILE_BYTES, body = request.body, take = async () => {} }: ReceiveOptions = {},
): Promise<Upload> {
  const type = request.headers.get("content-type") ?? "";
  if (!isForm(type) && !CSV_CONTENT_TYPE.test(type)) {
    throw new AppError("UNSUPPORTED_MEDIA_TYPE", "Expected a form (multipart/form-data) with a file, or text/csv");
  }
  if (request.body === null || body === null) throw noFile();
  if (Number(request.headers.get("content-length")) > limit + MAX_FORM_OVERHEAD_BYTES) throw tooLarge(limit);
  await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
  try {
    if (isForm(type)) return await receiveForm(body, type, (content) => save(content, path, limit, take));
    const { size, sha256 } = await save(body, path, limit, take);
    if (size === 0) throw noFile();
    return { fileName: null, fields: new Map(), sha256, size };
  } catch (error) {
    await rm(path, { force: true });
    throw toUploadError(error);
  }
}

async function receiveForm(
  body: AsyncIterable<Uint8Array>,
  type: string,
  saved: (content: AsyncIterable<Uint8Array>) => Promise<Saved>,
): Promise<Upload> {
  const { fields, file } = await parseForm(body, type, async ({ fileName, content }) => ({
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
    // The job will be committed durably, so its file must be durable too.
    await file.sync();
    return { size, sha256: hash.digest("hex") };
  } finally {
    await file.close();
  }
}

const noFile = () => invalid("file", "expected a CSV file");
const tooLarge = (limit: number) => new AppError("TOO_LARGE", `The file is larger than ${limit / 1_000_000} MB`);

function toUploadError(error: unknown): unknown {
  if (error instanceof AppError) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new AppError("UNAVAILABLE", "There is not enough disk space for the file: try again later", {
      cause: error,
    });
  }
  if (syscall === "open" || syscall === "write") return error;
  return uploadInterrupted(error);
}
