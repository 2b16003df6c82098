import { Fault, invalid } from "../../fault.ts";
import { FairQueue } from "../../limits/fairQueue.ts";
import { CUT_OFF, flawOf, type Kind, kindOf, orientationOf, pictureOnly } from "./pictureParts.ts";

/** A picture as stored: upright, small, without metadata. */
export interface Picture {
  content: Uint8Array<ArrayBuffer>;
  type: string;
  extension: string;
}

/** Pixels of the longer side of a stored picture. */
const LONGEST_SIDE = 1024;
/** Pixels of an uploaded picture: a decoded one needs four bytes for each, however small its file is. */
const LONGEST_GIVEN = 8_192;
const MOST_GIVEN = 40_000_000;
const QUALITY = 85;

const KEPT_AS: Record<Kind, { type: string; extension: string }> = {
  jpeg: { type: "image/jpeg", extension: "jpg" },
  png: { type: "image/png", extension: "png" },
  webp: { type: "image/webp", extension: "webp" },
};

/** Decodes one picture at a time, because of its memory, and serves users in turn. Ten of one user may wait. */
const DRAWING = new FairQueue({ atOnce: 1, mostWaiting: 10 });

/**
 * Decodes and encodes a picture, so that only its pixels are left. Works on another thread.
 * @throws AppError UNSUPPORTED_MEDIA_TYPE for anything but PNG, JPEG or WebP; INVALID for a damaged or huge one; RATE_LIMITED
 * when too many of this user wait
 */
export async function redraw(given: Uint8Array, userId = ""): Promise<Picture> {
  const kind = kindOf(given);
  if (!kind) throw new Fault("UNSUPPORTED_MEDIA_TYPE", "Expected a PNG, JPEG or WebP image");
  const flaw = flawOf(kind, given);
  if (flaw !== null) throw invalid("file", flaw);
  const drawn = await DRAWING.run(userId, () => draw(kind, given));
  return { content: pictureOnly(kind, drawn), ...KEPT_AS[kind] };
}

async function draw(kind: Kind, given: Uint8Array): Promise<Uint8Array> {
  try {
    const image = new Bun.Image(given, { maxPixels: MOST_GIVEN });
    const { width, height } = await image.metadata();
    if (Math.max(width, height) > LONGEST_GIVEN) throw tooManyPixels();
    if (kind !== "jpeg") turnUpright(image, orientationOf(kind, given));
    image.resize(LONGEST_SIDE, LONGEST_SIDE, { fit: "inside", withoutEnlargement: true });
    return await image[kind](kind === "png" ? {} : { quality: QUALITY }).bytes();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ERR_IMAGE_TOO_MANY_PIXELS") throw tooManyPixels();
    if (typeof code === "string" && code.startsWith("ERR_IMAGE_")) throw invalid("file", CUT_OFF);
    throw error;
  }
}

/** Rotates and mirrors an image by its EXIF orientation. Bun rotates first, whatever the order of the calls. */
function turnUpright(image: Bun.Image, orientation: number): void {
  const degrees = [0, 0, 0, 180, 0, 90, 90, 270, 270][orientation] ?? 0;
  if (degrees > 0) image.rotate(degrees);
  if ([2, 5, 7].includes(orientation)) image.flop();
  if (orientation === 4) image.flip();
}

const tooManyPixels = () =>
  invalid("file", `expected at most ${MOST_GIVEN / 1_000_000} megapixels and ${LONGEST_GIVEN} pixels a side`);
