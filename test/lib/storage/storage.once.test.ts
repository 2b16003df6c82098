import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HeadObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { openStorage } from "../../../src/lib/storage/open.ts";
import type { S3Settings } from "../../../src/lib/storage/s3.ts";
import type { FileStorage } from "../../../src/lib/storage/storage.ts";
import { findS3, type S3Server, startS3 } from "../../support/servers/s3.ts";
import { waitUntil } from "../../support/servers/temp-server.ts";
import { startService } from "../../support/service.ts";

// Test both storages of files with the same cases, and the failures of each.

const hasS3 = findS3() !== null;
const needsS3 = (name: string) => (hasS3 ? name : `${name} (skipped: versitygw is not installed)`);
const NAME = "profile-images/a1.png";
const content = new Uint8Array([0, 1, 2, 253, 254, 255]);
const folder = mkdtempSync(join(tmpdir(), "reprise-files-"));
let server: S3Server;

beforeAll(async () => {
  if (hasS3) server = await startS3();
}, 30_000);
afterAll(async () => {
  rmSync(folder, { recursive: true });
  if (hasS3) await server.stop();
});

/** Runs all operations at once and returns the error of each. */
async function failuresOf(files: FileStorage, name = NAME): Promise<unknown[]> {
  const attempts = [files.put(name, content, "image/png"), files.get(name), files.delete(name)];
  return (await Promise.allSettled<unknown>(attempts)).map((end) => (end.status === "rejected" ? end.reason : null));
}

function cases(open: () => FileStorage, pathOf: (name: string) => string): void {
  test("stored bytes are returned, replaced and deleted", async () => {
    const files = open();
    expect(await files.get(NAME)).toBeNull();
    await files.put(NAME, content, "image/png");
    expect(await (await files.get(NAME))?.bytes()).toEqual(content);
    expect(new Uint8Array(readFileSync(pathOf(NAME)))).toEqual(content);

    const other = crypto.getRandomValues(new Uint8Array(60_000));
    await files.put(NAME, other, "image/png");
    expect(await (await files.get(NAME))?.bytes()).toEqual(other);

    await files.delete(NAME);
    expect(await files.get(NAME)).toBeNull();
    expect(existsSync(pathOf(NAME))).toBe(false);
    await files.delete(NAME);
  });

  test("forty concurrent puts do not mix their contents", async () => {
    const files = open();
    const names = Array.from({ length: 40 }, (_, n) => `many/${n}.png`);
    await Promise.all(names.map((name, n) => files.put(name, new Uint8Array(n).fill(n), "image/png")));
    const found = await Promise.all(names.map(async (name) => (await files.get(name))?.bytes()));
    expect(found).toEqual(names.map((_, n) => new Uint8Array(n).fill(n)));
  });
}

describe("file storage in a folder", () => {
  const open = () => openStorage(null, folder);
  cases(open, (name) => join(folder, name));

  test("a missing folder is created by the first put, and no unfinished file remains", async () => {
    const deep = join(folder, "not", "yet");
    await openStorage(null, deep).put(NAME, content, "image/png");
    expect(readdirSync(join(deep, "profile-images"))).toEqual(["a1.png"]);
  });

  test("an unfinished file of a crash is not returned, and is removed together with the file", async () => {
    mkdirSync(join(folder, "profile-images"), { recursive: true });
    writeFileSync(join(folder, `${NAME}.part`), "half");
    expect(await open().get(NAME)).toBeNull();
    await open().delete(NAME);
    expect(existsSync(join(folder, `${NAME}.part`))).toBe(false);
  });

  test.each(["../secret.key", "/etc/passwd", "a/../../b.png", "a//b.png", "", ".png", "a\0.png", "A.png"])(
    "%p is rejected as a file name",
    async (name) => {
      for (const error of await failuresOf(open(), name)) expect(String(error)).toContain("invalid file name");
    },
  );

  test("a folder that is not writable gives UNAVAILABLE", async () => {
    writeFileSync(join(folder, "in-the-way"), "");
    const put = openStorage(null, join(folder, "in-the-way")).put(NAME, content, "image/png");
    await expect(put).rejects.toMatchObject({ code: "UNAVAILABLE", retryAfterSeconds: 30 });
  });
});

describe.skipIf(!hasS3)(needsS3("file storage in an S3 bucket"), () => {
  const open = (changed: Partial<S3Settings> = {}) => openStorage({ ...server.settings, ...changed }, folder);
  cases(
    () => open(),
    (name) => server.pathOf(name),
  );

  test("a prefix is put before every name", async () => {
    await open({ prefix: "reprise/live/" }).put(NAME, content, "image/png");
    expect(existsSync(server.pathOf(`reprise/live/${NAME}`))).toBe(true);
    expect(await open().get(NAME)).toBeNull();
    await open({ prefix: "reprise/live/" }).delete(NAME);
    expect(existsSync(server.pathOf(`reprise/live/${NAME}`))).toBe(false);
  });

  test("an object has its content type and length", async () => {
    await open().put(NAME, content, "image/webp");
    const { bucket, endpoint, region, keys } = server.settings;
    const credentials = { accessKeyId: keys?.id ?? "", secretAccessKey: keys?.secret ?? "" };
    const client = new S3Client({ region, endpoint: endpoint ?? "", forcePathStyle: true, credentials });
    const inspected = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: NAME }));
    expect(inspected).toMatchObject({ ContentType: "image/webp", ContentLength: content.length });
  });

  test.each<[string, () => Partial<S3Settings>]>([
    ["a wrong secret", () => ({ keys: { id: server.settings.keys?.id ?? "", secret: "x".repeat(40) } })],
    ["an unknown key", () => ({ keys: { id: "unknown", secret: "x".repeat(40) } })],
    ["a missing bucket", () => ({ bucket: "elsewhere" })],
    ["a wrong region", () => ({ region: "eu-central-1" })],
  ])("%s gives UNAVAILABLE for every operation, and no error shows a secret", async (_, wrong) => {
    const files = open(wrong());
    for (const error of await failuresOf(files)) {
      const cause = { message: expect.stringMatching(/^S3: \w+: /) };
      expect(error).toMatchObject({ code: "UNAVAILABLE", retryAfterSeconds: 5, cause });
      const inspected = Bun.inspect(error);
      for (const secret of [server.settings.keys?.secret ?? "", "x".repeat(40)])
        expect(inspected).not.toContain(secret);
    }
  });

  test("a put works again after the server was unavailable", async () => {
    const files = open();
    await server.end();
    await expect(files.put(NAME, content, "image/png")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await server.start();
    await files.put(NAME, content, "image/png");
    expect(await (await files.get(NAME))?.bytes()).toEqual(content);
  });
});

describe("file storage with a failing S3 server", () => {
  const settings = (port: number): S3Settings => ({
    bucket: "images",
    region: "us-east-1",
    endpoint: `http://127.0.0.1:${port}`,
    pathStyle: true,
    keys: { id: "key", secret: "secret" },
    prefix: "",
  });
  const unavailable = { code: "UNAVAILABLE", retryAfterSeconds: 5 };

  test("an unreachable server gives UNAVAILABLE within two seconds", async () => {
    const began = performance.now();
    await expect(openStorage(settings(1), folder).put(NAME, content, "image/png")).rejects.toMatchObject(unavailable);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  test("a server that never responds or never ends its response gives UNAVAILABLE within ten seconds", async () => {
    using silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const head = "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\ncontent-type: image/png\r\n\r\nhalf";
    using halting = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: (s) => void s.write(head) } });
    const began = performance.now();
    const failures = await Promise.all([
      failuresOf(openStorage(settings(silent.port), folder)),
      openStorage(settings(halting.port), folder)
        .get(NAME)
        .catch((error) => error),
    ]);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(failures.flat()).toMatchObject([unavailable, unavailable, unavailable, unavailable]);
  }, 15_000);

  test("an unusable bucket is logged at the start of the service, without its secret", async () => {
    const env = { S3_BUCKET: "images", S3_ENDPOINT: "http://127.0.0.1:1", S3_ACCESS_KEY_ID: "key" };
    const service = await startService({ env: { ...env, S3_SECRET_ACCESS_KEY: "a-secret-of-ours" } });
    await waitUntil("the log line is written", async () => service.output().includes("images.bucket_unusable"));
    expect(service.output()).toContain("ECONNREFUSED");
    expect(service.output()).not.toContain("a-secret-of-ours");
    await service.remove();
  }, 15_000);

  test("a server that always answers 500 is tried twice", async () => {
    let asked = 0;
    using broken = Bun.serve({ port: 0, fetch: () => new Response(String(++asked), { status: 500 }) });
    await expect(openStorage(settings(broken.port ?? 0), folder).delete(NAME)).rejects.toMatchObject(unavailable);
    expect(asked).toBe(2);
  });

  test("a put sends a content length, and no checksums or chunked encoding", async () => {
    const seen: Headers[] = [];
    let got = 0;
    using strict = Bun.serve({
      port: 0,
      async fetch(request) {
        seen.push(request.headers);
        got = (await request.arrayBuffer()).byteLength;
        return new Response();
      },
    });
    await openStorage(settings(strict.port ?? 0), folder).put(NAME, content, "image/png");
    expect(got).toBe(content.length);
    const names = seen.flatMap((headers) => [...headers.keys()]);
    expect(names.filter((name) => /checksum|trailer|transfer-encoding|content-encoding/.test(name))).toEqual([]);
    expect(seen[0]?.get("content-length")).toBe(String(content.length));
  });
});
