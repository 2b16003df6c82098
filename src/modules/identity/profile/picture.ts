import { AppError, invalid } from "../../../lib/errors.ts";
import { FairQueue } from "../../limits/fair-queue.ts";
import {
  CUT_OFF_MESSAGE,
  detectKind,
  findPictureFlaw,
  getOrientation,
  type Kind,
  stripMetadata,
} from "./picture-parts.ts";

/** A picture as stored: upright, small, without metadata. */
export interface Picture {
  content: Uint8Array<ArrayBuffer>;
  type: string;
  extension: string;
}

/** Pixels of the longer side of a stored picture. */
const MAX_STORED_SIDE_PIXELS = 1024;
/** Pixels of an uploaded picture: a decoded one needs four bytes for each, however small its file is. */
const MAX_UPLOADED_SIDE_PIXELS = 8_192;
const MAX_UPLOADED_PIXELS = 40_000_000;
const JPEG_QUALITY_PERCENT = 85;

const STORED_AS: Record<Kind, { type: string; extension: string }> = {
  jpeg: { type: "image/jpeg", extension: "jpg" },
  png: { type: "image/png", extension: "png" },
  webp: { type: "image/webp", extension: "webp" },
};

/** Decodes one picture at a time, because of its memory, and serves users round-robin. At most ten of one user wait. */
const DRAW_QUEUE = new FairQueue({ atOnce: 1, mostWaiting: 10 });

/**
 * Decodes and encodes a picture, so that only its pixels are left. Works on another thread.
 * @throws AppError UNSUPPORTED_MEDIA_TYPE for anything but PNG, JPEG or WebP; INVALID for a damaged or huge one; RATE_LIMITED
 * when too many of this user wait
 */
export async function reencode(given: Uint8Array, userId = ""): Promise<Picture> {
  const kind = detectKind(given);
  if (!kind) throw new AppError("UNSUPPORTED_MEDIA_TYPE", "Expected a PNG, JPEG or WebP image");
  const flaw = findPictureFlaw(kind, given);
  if (flaw !== null) throw invalid("file", flaw);
  const drawn = await DRAW_QUEUE.run(userId, () => draw(kind, given));
  return { content: stripMetadata(kind, drawn), ...STORED_AS[kind] };
}

async function draw(kind: Kind, given: Uint8Array): Promise<Uint8Array> {
  try {
    const image = new Bun.Image(given, { maxPixels: MAX_UPLOADED_PIXELS });
    const { width, height } = await image.metadata();
    if (Math.max(width, height) > MAX_UPLOADED_SIDE_PIXELS) throw tooManyPixels();
    if (kind !== "jpeg") applyOrientation(image, getOrientation(kind, given));
    image.resize(MAX_STORED_SIDE_PIXELS, MAX_STORED_SIDE_PIXELS, { fit: "inside", withoutEnlargement: true });
    return await image[kind](kind === "png" ? {} : { quality: JPEG_QUALITY_PERCENT }).bytes();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ERR_IMAGE_TOO_MANY_PIXELS") throw tooManyPixels();
    if (typeof code === "string" && code.startsWith("ERR_IMAGE_")) throw invalid("file", CUT_OFF_MESSAGE);
    throw error;
  }
}

/** Rotates and mirrors an image by its EXIF orientation. Bun always rotates first, in any order of the calls. */
function applyOrientation(image: Bun.Image, orientation: number): void {
  const degrees = [0, 0, 0, 180, 0, 90, 90, 270, 270][orientation] ?? 0;
  if (degrees > 0) image.rotate(degrees);
  if ([2, 5, 7].includes(orientation)) image.flop();
  if (orientation === 4) image.flip();
}

const tooManyPixels = () =>
  invalid(
    "file",
    `expected at most ${MAX_UPLOADED_PIXELS / 1_000_000} megapixels and ${MAX_UPLOADED_SIDE_PIXELS} pixels a side`,
  );
