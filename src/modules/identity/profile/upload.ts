import {
  type FormFile,
  isForm,
  MAX_FORM_OVERHEAD_BYTES,
  parseForm,
  uploadInterrupted,
} from "../../../http/multipart-form.ts";
import { AppError, invalid } from "../../../lib/errors.ts";

/** Largest image: 5 MB, in units of 1024. */
export const MAX_IMAGE_BYTES = 5 * 1024 * 1024;
/** Largest form with such an image. */
export const MAX_IMAGE_FORM_BYTES = MAX_IMAGE_BYTES + MAX_FORM_OVERHEAD_BYTES;

/**
 * Loads the image of a form. Never holds more than the largest image, for any declared length.
 * @throws AppError TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, INVALID without a file, MALFORMED when the upload breaks off
 */
export async function receiveImage(
  request: Request,
  body: AsyncIterable<Uint8Array> | null = request.body,
): Promise<Uint8Array<ArrayBuffer>> {
  const type = request.headers.get("content-type") ?? "";
  if (!isForm(type)) {
    throw new AppError(
      "UNSUPPORTED_MEDIA_TYPE",
      "Expected a form (multipart/form-data) with the image in its field `file`",
    );
  }
  if (request.body === null || body === null) throw noFile();
  if (Number(request.headers.get("content-length")) > MAX_IMAGE_FORM_BYTES) throw tooLarge();
  const { file } = await parseForm(body, type, collectFile).catch((error) => {
    throw error instanceof AppError ? error : uploadInterrupted(error);
  });
  if (!file?.length) throw noFile();
  return file;
}

async function collectFile({ field, content }: FormFile): Promise<Uint8Array<ArrayBuffer>> {
  if (field !== "file" && field !== "image") throw noFile();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > MAX_IMAGE_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

const noFile = () => invalid("file", "expected a PNG, JPEG or WebP image");
const tooLarge = () => new AppError("TOO_LARGE", "The image is larger than 5 MB");
