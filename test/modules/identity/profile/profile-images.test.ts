import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { unusedFiles } from "../../../../src/db/schema/stored-files.ts";
import { HOUR, VirtualClock } from "../../../../src/lib/clock.ts";
import { updateImageAddresses } from "../../../../src/modules/identity/profile/profile.ts";
import { deleteUnusedFiles, markUsed } from "../../../../src/modules/stored-files/unused-files.ts";
import { encodeImage, flag, imageWithMetadata } from "../../../support/pictures.ts";
import { findS3, type S3Server, startS3 } from "../../../support/servers/s3.ts";
import { type ProfileApp, startProfileApp } from "./profile-app.ts";

setDefaultTimeout(30_000);

const LARGEST = 5 * 1024 * 1024;
const hasS3 = findS3() !== null;

/** Pads the image to exactly this size; data after the end of an image is ignored. */
const padded = (size: number) => Buffer.concat([flag, Buffer.alloc(size - flag.length)]);

function formOf(content: Uint8Array, field = "file"): Uint8Array {
  const head = `--edge\r\ncontent-disposition: form-data; name="${field}"; filename="a.png"\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), content, Buffer.from("\r\n--edge--\r\n")]);
}
const FORM = { "content-type": "multipart/form-data; boundary=edge" };

/** A body that has no declared length. */
function inChunks(body: Uint8Array): ReadableStream {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= body.length) return controller.close();
      controller.enqueue(body.slice(at, at + 65_536));
      at += 65_536;
    },
  });
}

describe.each(["folder", "bucket"])("profile images in a %s", (place) => {
  const clock = new VirtualClock(Date.UTC(2026, 10, 24, 9));
  const isSkipped = place === "bucket" && !hasS3;
  let s3: S3Server | null = null;
  let people: ProfileApp;
  let ann: string;

  beforeAll(async () => {
    if (isSkipped) return;
    if (place === "bucket") s3 = await startS3();
    people = await startProfileApp(s3?.settings ?? null, { clock });
    ann = await people.app.signUp("ann@owners.example");
  });
  afterAll(async () => {
    await people?.close();
    await s3?.stop();
  });
  const it = (name: string, prove: () => Promise<void>) =>
    test.skipIf(isSkipped)(isSkipped ? `${name} (skipped: versitygw is not installed)` : name, prove);
  const unused = () => people.app.store.read.select().from(unusedFiles);

  it("an uploaded image is served publicly without metadata and replaced by the next upload", async () => {
    const first = await people.upload(ann, await imageWithMetadata("jpeg", 6));
    expect(first).toMatchObject({ status: 200, success: true, message: "Profile image uploaded" });
    expect(first.imageUrl).toMatch(/^http:\/\/localhost:3000\/api\/profile-images\/[0-9a-f]{32}\.jpg$/);
    expect(await people.user(ann)).toMatchObject({ image: first.imageUrl });

    const shown = await people.see(first.imageUrl);
    expect(Object.fromEntries(shown.headers)).toMatchObject({
      "content-type": "image/jpeg",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
      "content-disposition": `inline; filename="${first.imageUrl.split("/").at(-1)}"`,
      "cross-origin-resource-policy": "cross-origin",
      "cache-control": "public, max-age=31536000, immutable",
    });
    const bytes = await shown.bytes();
    expect(Buffer.from(bytes).includes("SECRET")).toBe(false);
    expect(await new Bun.Image(bytes).metadata()).toMatchObject({ width: 48, height: 64, format: "jpeg" });

    const second = await people.upload(ann, await encodeImage("webp"), {}, "file");
    expect(second.imageUrl).toEndWith(".webp");
    expect((await people.see(second.imageUrl)).status).toBe(200);
    const gone = await people.see(first.imageUrl);
    expect(gone.status).toBe(404);
    expect(await gone.json()).toMatchObject({ success: false, code: "NOT_FOUND", requestId: expect.any(String) });
    expect(await unused()).toEqual([]);
  });

  it("a repeated upload with one Idempotency-Key is stored once, and another image with that key answers 409", async () => {
    const key = { "idempotency-key": crypto.randomUUID() };
    const first = await people.upload(ann, flag, key);
    const again = await people.upload(ann, flag, key);
    expect(again).toMatchObject({ status: 200, imageUrl: first.imageUrl });
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(await people.upload(ann, await encodeImage("jpeg"), key)).toMatchObject({ status: 409, code: "CONFLICT" });

    const other = { "idempotency-key": crypto.randomUUID() };
    const answers = await Promise.all(Array.from({ length: 5 }, () => people.upload(ann, flag, other)));
    const urls = new Set(answers.filter(({ status }) => status === 200).map(({ imageUrl }) => imageUrl));
    expect([...urls]).toEqual([(await people.user(ann)).image ?? ""]);
    expect(await unused()).toEqual([]);
  });

  it("of concurrent uploads one image and its file remain", async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => people.upload(ann, flag)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const { image } = await people.user(ann);
    for (const { imageUrl } of answers) {
      expect((await people.see(imageUrl)).status).toBe(imageUrl === image ? 200 : 404);
    }
    expect(await unused()).toEqual([]);
  });

  it("a file left by a crash is deleted after an hour, and images in use stay", async () => {
    const { imageUrl } = await people.upload(ann, flag);
    const { files, store } = people.app.deps;
    const lost = `profile-images/${"0".repeat(32)}.png`;
    await files.put(lost, new Uint8Array([1]), "image/png");
    await store.write((tx) => tx.insert(unusedFiles).values({ name: lost, since: tx.now }));
    await deleteUnusedFiles(people.app.deps, clock.now());
    expect(await files.get(lost)).not.toBeNull();
    await deleteUnusedFiles(people.app.deps, clock.now() + HOUR + 1);
    expect(await files.get(lost)).toBeNull();
    expect(await unused()).toEqual([]);
    expect((await people.see(imageUrl)).status).toBe(200);
    await expect(store.write((tx) => markUsed(tx, lost))).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  it("image URLs follow a change of the public URL", async () => {
    const { store, config } = people.app.deps;
    for (const kind of ["jpeg", "webp"] as const) {
      const { imageUrl } = await people.upload(ann, await encodeImage(kind));
      await store.write((tx) => updateImageAddresses(tx, "https://elsewhere.example/reprise"));
      const { image } = await people.user(ann);
      expect(image).toBe(imageUrl.replace(config.publicUrl, "https://elsewhere.example/reprise"));
      await store.write((tx) => updateImageAddresses(tx, config.publicUrl));
      expect(await people.user(ann)).toMatchObject({ image: imageUrl });
    }
  });

  it("a failed upload changes nothing, and a failed deletion is repeated later", async () => {
    const { imageUrl } = await people.upload(ann, flag);
    const { files } = people.app.deps;
    const { put } = files;
    const deleteFile = files.delete;
    files.put = async () => Promise.reject(new Error("no store"));
    expect(await people.upload(ann, flag)).toMatchObject({ status: 500 });
    files.put = put;
    expect(await people.user(ann)).toMatchObject({ image: imageUrl });

    files.delete = async () => Promise.reject(new Error("no store"));
    expect(await people.upload(ann, flag)).toMatchObject({ status: 200 });
    files.delete = deleteFile;
    expect((await people.see(imageUrl)).status).toBe(200);
    expect(await unused()).toHaveLength(2);
    await deleteUnusedFiles(people.app.deps, clock.now() + HOUR + 1);
    expect((await people.see(imageUrl)).status).toBe(404);
    expect(await unused()).toEqual([]);
  });
});

describe("profile image upload: bad input", () => {
  let people: ProfileApp;
  let ann: string;
  beforeAll(async () => {
    people = await startProfileApp(null);
    ann = await people.app.signUp("ann@owners.example");
  });
  afterAll(() => people.close());

  test("limit of 5 MB: applies to the image content, with and without Content-Length", async () => {
    expect(await people.upload(ann, padded(LARGEST))).toMatchObject({ status: 200 });
    expect(await people.sendBody(ann, inChunks(formOf(padded(LARGEST))), FORM)).toMatchObject({ status: 200 });
    const tooLarge = { status: 413, code: "TOO_LARGE", message: "The image is larger than 5 MB" };
    expect(await people.upload(ann, padded(LARGEST + 1))).toMatchObject(tooLarge);
    expect(await people.sendBody(ann, inChunks(formOf(padded(LARGEST + 1))), FORM)).toMatchObject(tooLarge);
    expect(await people.upload(ann, padded(20 * LARGEST))).toMatchObject(tooLarge);
  });

  test.each<[string, RequestInit["body"], Record<string, string>, number, string | undefined]>([
    ["the body of the reference page", "null", { "content-type": "application/json" }, 415, undefined],
    ["an image without a form", new Uint8Array(flag), { "content-type": "image/png" }, 415, undefined],
    ["no body", null, {}, 415, undefined],
    ["an empty form", "--edge--\r\n", FORM, 422, "file"],
    ["a form that ends early", formOf(flag).slice(0, 90), FORM, 400, undefined],
    ["a form without an edge", formOf(flag), { "content-type": "multipart/form-data" }, 400, undefined],
    ["an empty file", formOf(new Uint8Array()), FORM, 422, "file"],
    ["a file in another field", formOf(flag, "picture"), FORM, 422, "file"],
    ["a page", formOf(Buffer.from("<html>")), FORM, 415, undefined],
    ["half an image", formOf(flag.slice(0, 80)), FORM, 422, "file"],
    ["two images", Buffer.concat([formOf(flag).slice(0, -12), Buffer.from("\r\n"), formOf(flag)]), FORM, 422, "file"],
  ])("answers an error and stores no file: %s", async (_, body, headers, status, field) => {
    const answer = await people.sendBody(ann, body, headers);
    expect(answer).toMatchObject({ success: false, status });
    expect(answer.details?.[0]?.field).toBe(field);
    expect((await people.app.store.read.select().from(unusedFiles)).length).toBe(0);
  });

  test("without a session: answers 401 without reading the body", async () => {
    expect(await people.upload("unknown", padded(LARGEST + 1))).toMatchObject({ status: 401 });
  });

  test.each(["x", "..%2fsecret.key", "%00", "0".repeat(32), `${"0".repeat(32)}.svg`, `${"0".repeat(32)}.png.part`])(
    "GET of an unknown image name answers 404 or 422: %s",
    async (name) => {
      const response = await people.see(`http://localhost:3000/api/profile-images/${name}`);
      expect([404, 422]).toContain(response.status);
      expect(await response.json()).toMatchObject({ success: false });
    },
  );
});

test("profile images: a bucket that never responds leads to 503 with Retry-After within 10 seconds", async () => {
  using silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const endpoint = `http://127.0.0.1:${silent.port}`;
  const keys = { id: "key", secret: "secret-of-the-bucket" };
  const people = await startProfileApp({ bucket: "b", region: "r", endpoint, pathStyle: true, keys, prefix: "" });
  const ann = await people.app.signUp("ann@owners.example");
  const began = performance.now();
  const see = people.see(`http://localhost:3000/api/profile-images/${"0".repeat(32)}.png`);
  const [upload, seen] = await Promise.all([people.upload(ann, flag), see]);
  expect(performance.now() - began).toBeLessThan(10_000);
  expect(upload).toMatchObject({ status: 503, code: "UNAVAILABLE" });
  expect(seen.status).toBe(503);
  for (const { headers } of [upload, seen]) expect(headers.get("retry-after")).toBe("5");
  expect(await people.user(ann)).toMatchObject({ image: null });
  expect(people.app.logged.join()).not.toContain(keys.secret);
  await people.close();
});
