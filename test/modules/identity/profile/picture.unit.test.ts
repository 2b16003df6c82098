import { describe, expect, test } from "bun:test";
import { reencode } from "../../../../src/modules/identity/profile/picture.ts";
import type { Kind } from "../../../../src/modules/identity/profile/picture-parts.ts";
import {
  colourSeenAt,
  encodeImage,
  flag,
  imageWithHugeHeader,
  imageWithMetadata,
  paint,
  RED,
} from "../../../support/pictures.ts";

const kinds: Kind[] = ["jpeg", "png", "webp"];
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

/**
 * Lists the colours at the four corners of the flag, clockwise from the top left, turned as the EXIF orientation
 * says.
 */
const corners = (image: Uint8Array) =>
  Promise.all([
    colourSeenAt(image, 0.2, 0.2),
    colourSeenAt(image, 0.8, 0.2),
    colourSeenAt(image, 0.8, 0.8),
    colourSeenAt(image, 0.2, 0.8),
  ]);
const upright: Record<number, string> = {
  1: "red green blue blue",
  2: "green red blue blue",
  3: "blue blue red green",
  4: "blue blue green red",
  5: "red blue blue green",
  6: "blue red green blue",
  7: "blue green red blue",
  8: "green blue blue red",
};

describe.each(kinds)("reencode %s", (kind) => {
  test("keeps the format and drops all metadata", async () => {
    const given = await imageWithMetadata(kind, 1);
    expect(text(given)).toContain("SECRET");
    const { content, type } = await reencode(given);
    expect(type).toBe(`image/${kind}`);
    expect(await new Bun.Image(content).metadata()).toEqual({ width: 64, height: 48, format: kind });
    expect(text(content)).not.toMatch(/SECRET|exif|xmp|icc|text|photoshop/i);
    expect((await corners(content)).join(" ")).toBe(upright[1] ?? "");
  });

  test.each(Object.entries(upright))("turns orientation %s upright", async (orientation, seen) => {
    const { content } = await reencode(await imageWithMetadata(kind, Number(orientation)));
    const [width, height] = Number(orientation) > 4 ? [48, 64] : [64, 48];
    expect(await new Bun.Image(content).metadata()).toMatchObject({ width, height });
    expect((await corners(content)).join(" ")).toBe(seen);
  });

  test("shrinks a large image to 1024 pixels and enlarges none", async () => {
    const large = await encodeImage(
      kind,
      paint(1500, 500, () => RED),
    );
    expect(await new Bun.Image((await reencode(large)).content).metadata()).toMatchObject({ width: 1024, height: 341 });
    const { content } = await reencode(
      await encodeImage(
        kind,
        paint(1, 1, () => RED),
      ),
    );
    expect(await new Bun.Image(content).metadata()).toMatchObject({ width: 1, height: 1 });
  });

  test("rejects a truncated image as INVALID", async () => {
    const whole = await imageWithMetadata(kind, 6);
    const picture = whole.length - (kind === "webp" ? 0 : "SECRET-TAIL".length);
    for (const part of [0.1, 0.4, 0.7, 0.95]) {
      const cut = whole.slice(0, Math.floor(picture * part));
      await expect(reencode(cut)).rejects.toMatchObject({ code: "INVALID", details: [{ field: "file" }] });
    }
  });

  test("corrupted bytes: the image is redrawn without metadata or rejected with a client error", async () => {
    const whole = await imageWithMetadata(kind, 6);
    for (let at = 0; at < whole.length; at += 7) {
      const wrong = whole.slice();
      wrong[at] = (wrong[at] ?? 0) ^ 0xff;
      const { content, code } = await reencode(wrong).catch((error) => error);
      if (content) expect(text(content)).not.toContain("SECRET");
      else expect(["INVALID", "UNSUPPORTED_MEDIA_TYPE"]).toContain(code);
    }
  });
});

test.each([
  ["nothing", ""],
  ["HTML", "<!doctype html><script>alert(1)</script>"],
  ["SVG", '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'],
  ["a GIF", "GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"],
  ["a BMP", "BM\x1e\0\0\0\0\0\0\0\x1a\0\0\0"],
  ["a PDF", "%PDF-1.7"],
  ["text before an image", `x${text(flag)}`],
  ["a sound", "RIFF\x24\0\0\0WAVEfmt "],
])("reencode: rejects %s as UNSUPPORTED_MEDIA_TYPE", async (_, content) => {
  const refused = reencode(new Uint8Array(Buffer.from(content, "latin1")));
  await expect(refused).rejects.toMatchObject({ code: "UNSUPPORTED_MEDIA_TYPE" });
});

test("reencode: removes a page appended to an image", async () => {
  const page = "<html><script>alert('SECRET')</script></html>";
  const { content } = await reencode(Buffer.concat([flag, Buffer.from(page)]));
  expect(text(content)).not.toContain("<");
});

test("reencode: rejects an image with too many pixels before decoding it", async () => {
  for (const [width, height] of [
    [60_000, 60_000],
    [8_000, 8_000],
    [9_000, 100],
    [2 ** 31 - 1, 1],
  ] as const) {
    await expect(reencode(imageWithHugeHeader(width, height))).rejects.toMatchObject({ code: "INVALID" });
  }
});

test("reencode: rejects an image with too many scans or segments within 500 ms", async () => {
  const jpeg = Buffer.from(await encodeImage("jpeg"));
  const busy = (scans: number) => {
    const scan = Buffer.from("ffda000801000000003f", "hex");
    return Buffer.concat([jpeg.subarray(0, -2), ...Array.from({ length: scans }, () => scan), jpeg.subarray(-2)]);
  };
  await expect(reencode(busy(100))).rejects.toMatchObject({ message: "file: expected a simpler JPEG" });
  for (const crumbs of [
    [flag.subarray(0, 33), Buffer.alloc(5_000_000), flag.subarray(33)],
    [jpeg.subarray(0, 2), Buffer.alloc(4_999_999, Buffer.from("ffe00002", "hex")), jpeg.subarray(2)],
    [Buffer.from("RIFF\x48\x4b\x4c\0WEBPVP8X", "latin1"), Buffer.alloc(4_999_992)],
  ]) {
    const began = performance.now();
    await expect(reencode(Buffer.concat(crumbs))).rejects.toMatchObject({ code: "INVALID" });
    expect(performance.now() - began).toBeLessThan(500);
  }
});

test("reencode: rejects an animated image", async () => {
  const still = Buffer.from(await imageWithMetadata("webp", 1));
  const moving = Buffer.from(still.toString("latin1").replace("ICCP", "ANIM"), "latin1");
  await expect(reencode(moving)).rejects.toMatchObject({ message: "file: expected an image without animation" });
});

test("reencode: does not block the event loop", async () => {
  const large = await encodeImage(
    "jpeg",
    paint(2500, 2000, (x, y) => [x & 255, y & 255, (x * y) & 255]),
  );
  let longest = 0;
  let last = performance.now();
  const pulse = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  const began = last;
  const all = await Promise.all(Array.from({ length: 4 }, () => reencode(large)));
  clearInterval(pulse);
  expect(all.map(({ type }) => type)).toEqual(Array.from({ length: 4 }, () => "image/jpeg"));
  expect(longest).toBeLessThan((performance.now() - began) / 2);
});
