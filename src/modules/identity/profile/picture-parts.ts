// Parses image files: their parts, which of them hold pixels, and the orientation.

export type Kind = "jpeg" | "png" | "webp";

/** A part of a file, with its header. */
interface Part {
  name: string;
  bytes: Uint8Array;
  /** Offset of the content in `bytes`. */
  content: number;
}

const PNG_HEADER = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const RIFF_HEADER_BYTES = 12;
const START_OF_SCAN = "ffda";
const SCAN = Buffer.from(START_OF_SCAN, "hex");
const END_OF_IMAGE = Buffer.from("ffd9", "hex");
/** Most scans of a JPEG; encoders write about ten. */
const MAX_SCANS = 100;
/** Most parts of a file; a photograph has some hundreds. */
const MAX_PARTS = 20_000;
export const CUT_OFF_MESSAGE = "expected a whole image: this one is damaged or cut off";

/** Detects the kind of an image by its first bytes; null for an unsupported one. */
export function detectKind(bytes: Uint8Array): Kind | null {
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return "jpeg";
  if (PNG_HEADER.every((byte, index) => bytes[index] === byte)) return "png";
  return word(bytes, 0) === "RIFF" && word(bytes, 8) === "WEBP" ? "webp" : null;
}

/** Finds a flaw of an image before it is decoded: a decoder fills missing parts with grey. Null when there is none. */
export function findPictureFlaw(kind: Kind, bytes: Uint8Array): string | null {
  const parts = listParts(kind, bytes);
  const part = (wanted: string) => parts.find(({ name }) => name === wanted)?.bytes;
  if (kind === "png") return part("IEND") ? null : CUT_OFF_MESSAGE;
  if (kind === "jpeg") return findScanFlaw(Buffer.from(part(START_OF_SCAN) ?? []));
  if (part("ANIM")) return "expected an image without animation";
  return view(bytes).getUint32(4, true) + 8 <= bytes.length ? null : CUT_OFF_MESSAGE;
}

/** Rejects too many scans: each scan of a progressive JPEG covers the whole picture, and thousands take a decoder minutes. */
function findScanFlaw(scans: Buffer): string | null {
  const end = scans.indexOf(END_OF_IMAGE);
  if (end < 0) return CUT_OFF_MESSAGE;
  let count = 0;
  for (let at = 0; at >= 0 && at < end; at = scans.indexOf(SCAN, at + 2)) count++;
  return count > MAX_SCANS ? "expected a simpler JPEG" : null;
}

/** Removes all metadata from a picture that an encoder wrote. */
export function stripMetadata(kind: Kind, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const kept = listParts(kind, bytes).filter(({ name }) => isPicture[kind].test(name));
  if (kind === "jpeg") return new Uint8Array(Buffer.concat([bytes.subarray(0, 2), ...kept.map((part) => part.bytes)]));
  if (kind === "png") return new Uint8Array(Buffer.concat([bytes.subarray(0, 8), ...kept.map((part) => part.bytes)]));
  const picture = new Uint8Array(
    Buffer.concat([bytes.subarray(0, RIFF_HEADER_BYTES), ...kept.map((part) => part.bytes)]),
  );
  view(picture).setUint32(4, picture.length - 8, true);
  // Of the features that this part declares only transparency is left.
  if (word(picture, RIFF_HEADER_BYTES) === "VP8X")
    picture[RIFF_HEADER_BYTES + 8] = (picture[RIFF_HEADER_BYTES + 8] ?? 0) & 0x10;
  return picture;
}

/** Parts to keep. JPEG: all but APP1 to APP15 and comments; Adobe's APP14 stays because it defines the colours. */
const isPicture: Record<Kind, RegExp> = {
  jpeg: /^ff(?!e[1-9a-df]|fe)/,
  png: /^(IHDR|PLTE|tRNS|IDAT|IEND)$/,
  webp: /^(VP8[ LX]|ALPH)$/,
};

/** Returns the EXIF orientation of a PNG or WebP, 1 to 8; the decoder applies it itself to JPEGs only. */
export function getOrientation(kind: Kind, bytes: Uint8Array): number {
  const part = listParts(kind, bytes).find(({ name }) => name === (kind === "png" ? "eXIf" : "EXIF"));
  try {
    return part ? parseOrientation(view(part.bytes.subarray(part.content))) : 1;
  } catch (error) {
    // The offset points beyond the end.
    if (error instanceof RangeError) return 1;
    throw error;
  }
}

function parseOrientation(exif: DataView): number {
  const start = exif.getUint32(0) === 0x45786966 ? 6 : 0; // "Exif\0\0", which some writers put first
  const isLittle = exif.getUint16(start) === 0x4949;
  const list = start + exif.getUint32(start + 4, isLittle);
  for (let index = 0; index < exif.getUint16(list, isLittle); index++) {
    const entry = list + 2 + index * 12;
    if (exif.getUint16(entry, isLittle) === 0x0112) return exif.getUint16(entry + 8, isLittle);
  }
  return 1;
}

/** Lists all complete parts in order. The data after a JPEG's start of scan belongs to that part. */
function listParts(kind: Kind, bytes: Uint8Array): Part[] {
  const parts: Part[] = [];
  let at = { jpeg: 2, png: 8, webp: RIFF_HEADER_BYTES }[kind];
  while (at + 4 <= bytes.length && parts.length < MAX_PARTS) {
    const { name, length, content } = headerAt(kind, bytes, at);
    const end = name === START_OF_SCAN ? bytes.length : at + length;
    if (end > bytes.length) break;
    parts.push({ name, bytes: bytes.subarray(at, end), content });
    at = end;
  }
  return parts;
}

function headerAt(kind: Kind, bytes: Uint8Array, at: number): { name: string; length: number; content: number } {
  const whole = view(bytes);
  if (kind === "jpeg") {
    return { name: whole.getUint16(at).toString(16), length: 2 + whole.getUint16(at + 2), content: 4 };
  }
  const length =
    at + 8 > bytes.length ? Number.POSITIVE_INFINITY : whole.getUint32(at + (kind === "png" ? 0 : 4), kind === "webp");
  if (kind === "png") return { name: word(bytes, at + 4), length: 12 + length, content: 8 };
  return { name: word(bytes, at), length: 8 + length + (length % 2), content: 8 };
}

function word(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
