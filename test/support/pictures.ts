import { crc32, deflateSync, inflateSync } from "node:zlib";
import type { Kind } from "../../src/modules/identity/profile/picture-parts.ts";

// Generates images with the metadata that cameras and programs write, and reads back what an image shows.

type Colour = [red: number, green: number, blue: number];
export const RED: Colour = [220, 20, 20];
const BLUE: Colour = [20, 20, 220];
const GREEN: Colour = [20, 160, 20];

const RGBA = 6;

function chunk(name: string, content: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(name, "latin1"), content]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

/** Encodes a PNG from the colour of each pixel. */
export function paint(width: number, height: number, colourAt: (x: number, y: number) => Colour): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, RGBA], 8);
  const row = (y: number) => [0, ...Array.from({ length: width }, (_, x) => [...colourAt(x, y), 255]).flat()];
  const pixels = Buffer.concat(Array.from({ length: height }, (_, y) => Buffer.from(row(y))));
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  const rest = [chunk("IDAT", deflateSync(pixels)), chunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([signature, chunk("IHDR", header), ...rest]);
}

/** Returns a small PNG whose header claims enormous dimensions. */
export function imageWithHugeHeader(width: number, height: number): Uint8Array {
  const image = Buffer.from(paint(1, 1, () => RED));
  image.writeUInt32BE(width, 16);
  image.writeUInt32BE(height, 20);
  image.writeUInt32BE(crc32(image.subarray(12, 29)), 29);
  return image;
}

/** Image that differs from all its rotations and reflections: red top left, green top right, blue below. */
export const flag = paint(64, 48, (x, y) => (y >= 24 ? BLUE : x < 32 ? RED : GREEN));

export async function encodeImage(kind: Kind, image = flag): Promise<Uint8Array> {
  return new Bun.Image(image)[kind](kind === "png" ? {} : { quality: 95 }).bytes();
}

/** Returns EXIF data with a position and an orientation. */
function exif(orientation: number): Buffer {
  const place = Buffer.from("SECRET-GPS 48.8584N 2.2945E\0");
  const head = Buffer.alloc(38);
  head.write("II*\0", "latin1");
  head.writeUInt32LE(8, 4);
  head.writeUInt16LE(2, 8);
  const entry = (at: number, tag: number, type: number, count: number, value: number) => {
    head.writeUInt16LE(tag, at);
    head.writeUInt16LE(type, at + 2);
    head.writeUInt32LE(count, at + 4);
    head.writeUInt32LE(value, at + 8);
  };
  entry(10, 0x010e, 2, place.length, 38);
  entry(22, 0x0112, 3, 1, orientation);
  return Buffer.concat([head, place]);
}

function segment(marker: number, content: Buffer | string): Buffer {
  const body = Buffer.from(content as string, "latin1");
  return Buffer.concat([Buffer.from([0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255]), body]);
}

function riffChunk(name: string, content: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(content.length);
  return Buffer.concat([Buffer.from(name, "latin1"), length, content, Buffer.alloc(content.length % 2)]);
}

const profile = Buffer.alloc(300, "SECRET-PROFILE ");
profile.writeUInt32BE(300, 0);
profile.write("acsp", 36);

/** Returns the image with every kind of metadata, each of which contains SECRET. */
export async function imageWithMetadata(kind: Kind, orientation: number, image = flag): Promise<Uint8Array> {
  const plain = Buffer.from(await encodeImage(kind, image));
  const camera = exif(orientation);
  if (kind === "jpeg") {
    const parts = [
      segment(0xe1, Buffer.concat([Buffer.from("Exif\0\0"), camera])),
      segment(0xe1, "http://ns.adobe.com/xap/1.0/\0<x>SECRET-XMP</x>"),
      segment(0xe2, Buffer.concat([Buffer.from("ICC_PROFILE\0\x01\x01"), profile])),
      segment(0xed, "Photoshop 3.0\0SECRET-IPTC"),
      segment(0xfe, "SECRET-COMMENT"),
    ];
    return Buffer.concat([plain.subarray(0, 2), ...parts, plain.subarray(2), Buffer.from("SECRET-TAIL")]);
  }
  if (kind === "png") {
    const packed = Buffer.concat([Buffer.from("p\0\0"), deflateSync(profile)]);
    const parts = [chunk("iCCP", packed), chunk("eXIf", camera), chunk("tEXt", Buffer.from("Comment\0SECRET-TEXT"))];
    return Buffer.concat([plain.subarray(0, 33), ...parts, plain.subarray(33), Buffer.from("SECRET-TAIL")]);
  }
  const { width, height } = await new Bun.Image(plain).metadata();
  const extended = Buffer.alloc(10);
  extended[0] = 0x2c;
  extended.writeUIntLE(width - 1, 4, 3);
  extended.writeUIntLE(height - 1, 7, 3);
  const body = Buffer.concat([
    Buffer.from("WEBP"),
    ...[riffChunk("VP8X", extended), riffChunk("ICCP", profile), plain.subarray(12)],
    ...[riffChunk("EXIF", camera), riffChunk("XMP ", Buffer.from("<x>SECRET-XMP</x>"))],
  ]);
  return riffChunk("RIFF", body);
}

/** Returns which of the flag's colours an image shows at a position. */
export async function colourSeenAt(image: Uint8Array, right: number, down: number): Promise<string> {
  const png = Buffer.from(await new Bun.Image(image).png().bytes());
  const [width, height, bytesAPixel] = [png.readUInt32BE(16), png.readUInt32BE(20), png[25] === RGBA ? 4 : 3];
  const packed: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString("latin1", at + 4, at + 8) === "IDAT")
      packed.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  const rows = unfiltered(inflateSync(Buffer.concat(packed)), width * bytesAPixel, bytesAPixel);
  const at = Math.floor(down * height) * width * bytesAPixel + Math.floor(right * width) * bytesAPixel;
  const distance = (colour: Colour) => colour.reduce((sum, part, i) => sum + Math.abs(part - (rows[at + i] ?? 0)), 0);
  const named = Object.entries({ red: RED, blue: BLUE, green: GREEN });
  return named.reduce((best, next) => (distance(next[1]) < distance(best[1]) ? next : best))[0];
}

/** Decodes the rows of a PNG, which are stored as differences from their neighbours. */
function unfiltered(data: Buffer, width: number, step: number): Buffer {
  const rows = Buffer.alloc((data.length / (width + 1)) * width);
  for (let row = 0; row * width < rows.length; row++) {
    const filter = data[row * (width + 1)];
    for (let x = 0; x < width; x++) {
      const at = row * width + x;
      const left = x < step ? 0 : (rows[at - step] ?? 0);
      const above = row === 0 ? 0 : (rows[at - width] ?? 0);
      const corner = x < step || row === 0 ? 0 : (rows[at - width - step] ?? 0);
      const guess = left + above - corner;
      const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - above), Math.abs(guess - corner)];
      const paeth = a <= b && a <= c ? left : b <= c ? above : corner;
      const neighbour = [0, left, above, (left + above) >> 1, paeth][filter ?? 0] ?? 0;
      rows[at] = ((data[row * (width + 1) + 1 + x] ?? 0) + neighbour) & 255;
    }
  }
  return rows;
}
