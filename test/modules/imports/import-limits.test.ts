import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { watchDiskSpace } from "../../../src/lib/storage/disk-space.ts";
import { IMPORT_BATCH_ROWS } from "../../../src/modules/imports/importer.ts";
import { PLATFORM } from "../../../src/modules/limits/overrides.ts";
import { getUsage } from "../../../src/modules/limits/usage.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { type BrandOwner, createBrandOwner } from "../../support/brands.ts";
import { setLimits } from "../../support/limits.ts";
import { waitUntil } from "../../support/servers/temp-server.ts";

setDefaultTimeout(60_000);

interface Job {
  status: string;
  rows: number;
  verdicts: Record<string, number>;
  error: string | null;
}
interface Answer {
  message: string;
  jobId: string;
  job: Job;
  campaign: { id: string };
}

let app: TestApp;
let ann: BrandOwner;
let campaignId: string;
let brands = 0;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());
beforeEach(async () => {
  ann = await createBrandOwner(app, `ann${++brands}`);
  campaignId = await createCampaign(ann);
});

async function createCampaign(owner: BrandOwner): Promise<string> {
  return (await owner.request<Answer>("POST", "/api/campaigns", { name: "Plan" })).body.campaign.id;
}

async function upload(body: Bun.BodyInit, headers: Record<string, string> = {}, owner = ann, id = campaignId) {
  const sent = { "content-type": "text/csv", authorization: `Bearer ${owner.token}`, ...headers };
  const init = { method: "POST", body, headers: sent, duplex: "half" } as RequestInit;
  const response = await app.app.handle(new Request(`http://localhost/api/campaigns/${id}/import-contacts`, init));
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer };
}

async function waitForEnd(jobId: string, owner = ann): Promise<Job> {
  let job: Job | undefined;
  await waitUntil(
    "the import ends",
    async () => {
      job = (await owner.request<Answer>("GET", `/api/campaigns/import-jobs/${jobId}`)).body.job;
      return job.status !== "RUNNING";
    },
    50_000,
  );
  if (!job) throw new Error("no job");
  return job;
}

const file = (rows: number, name = "p") =>
  `email\n${Array.from({ length: rows }, (_, n) => `${name}${n}@x.example`).join("\n")}\n`;
const spooled = () => {
  const folder = join(app.deps.config.dataDir, "imports");
  return existsSync(folder) ? readdirSync(folder) : [];
};

test("import: stops at the contact limit after the current batch, and reports the last line with verdict QUOTA", async () => {
  await setLimits(app.store, { contacts: 700 }, ann.brandId);
  const job = await waitForEnd((await upload(file(2000))).body.jobId);
  // The batch that reaches the limit is processed to its end.
  const rows = Math.ceil(701 / IMPORT_BATCH_ROWS) * IMPORT_BATCH_ROWS;
  expect(job).toMatchObject({ status: "FAILED", rows, verdicts: { added: 700, quota: rows - 700 } });
  expect(job.error).toContain(`the rows with the verdict QUOTA, up to line ${rows + 1}, were not imported`);
  const used = await getUsage(app.store.read, ann.brandId);
  expect(used).toMatchObject({ contacts: 700, importsAtOnce: 0 });
  await waitUntil("the file is removed", async () => spooled().length === 0);

  // A file that cannot be imported must not be read.
  const never = new ReadableStream({ pull: () => Promise.reject(new Error("the body was read")) });
  const refused = await upload(never);
  expect(refused.status).toBe(409);
  expect(refused.body.message).toContain("The limit contacts is reached: 700");
  await setLimits(app.store, { contacts: null }, ann.brandId);
  expect(await waitForEnd((await upload(file(2000))).body.jobId)).toMatchObject({
    status: "DONE",
    verdicts: { added: 1300, duplicate: 700 },
  });
});

test("import upload: a body above the storage limit answers 409, unread if its length is declared, else cut off at the limit", async () => {
  await setLimits(app.store, { storedBytes: 1_000_000 }, ann.brandId);
  let sent = 0;
  const chunk = new Uint8Array(50_000).fill(97);
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += chunk.length;
        controller.enqueue(chunk);
      },
    });
  const declared = await upload(endless(), { "content-length": "2000000" });
  expect(declared.status).toBe(409);
  expect(sent).toBeLessThan(200_000);
  sent = 0;
  const chunked = await upload(endless());
  expect(chunked.status).toBe(409);
  expect(chunked.body.message).toContain("The limit storedBytes is reached: 1000000 bytes");
  expect(sent).toBeLessThan(1_300_000);
  expect(spooled()).toEqual([]);
  expect((await getUsage(app.store.read, ann.brandId)).storedBytes ?? 0).toBe(0);
});

test("import upload: concurrent uploads of one brand share the storage limit", async () => {
  await setLimits(app.store, { storedBytes: 1_000_000 }, ann.brandId);
  // Let no upload end before the others have come as far or were refused: an import frees space.
  let nearlyDone = 0;
  const deadline = Date.now() + 3_000;
  const slow = (): ReadableStream<Uint8Array> => {
    let left = 12;
    return new ReadableStream({
      async pull(controller) {
        await Bun.sleep(5);
        if (left === 1) nearlyDone++;
        while (left === 1 && nearlyDone < 3 && Date.now() < deadline) await Bun.sleep(5);
        if (left-- > 0) controller.enqueue(new Uint8Array(50_000).fill(97));
        else controller.close();
      },
    });
  };
  const answers = await Promise.all([upload(slow()), upload(slow()), upload(slow())]);
  expect(answers.map(({ status }) => status).filter((status) => status === 409).length).toBeGreaterThanOrEqual(2);
});

test("import: files count as stored bytes during the import, results until the campaign is deleted", async () => {
  const content = file(1200);
  const job = await waitForEnd((await upload(content)).body.jobId);
  expect(job).toMatchObject({ status: "DONE", verdicts: { added: 1200 } });
  const { storedBytes = 0, importsAtOnce } = await getUsage(app.store.read, ann.brandId);
  expect(importsAtOnce).toBe(0);
  expect(storedBytes).toBeGreaterThan(1200 * 1250);
  expect(storedBytes).toBeLessThan(1200 * 1400);
  expect((await getUsage(app.store.read, PLATFORM)).importsOfAllBrands).toBe(0);
  expect((await ann.request("DELETE", `/api/campaigns/${campaignId}`)).status).toBe(200);
  expect((await getUsage(app.store.read, ann.brandId)).storedBytes).toBeLessThan(1200 * 800);
});

test("import: the limit for all brands answers 429, and a replayed request is not counted", async () => {
  await setLimits(app.store, { importsOfAllBrands: 1 });
  const bob = await createBrandOwner(app, `bob${brands}`);
  const bobs = await createCampaign(bob);
  const key = { "idempotency-key": `import-${brands}` };
  const [first, second] = await Promise.all([upload(file(4000), key), upload(file(4000), {}, bob, bobs)]);
  const statuses = [first?.status, second?.status].sort();
  expect(statuses).toEqual([202, 429]);
  await waitForEnd(first?.body.jobId ?? second?.body.jobId ?? "", first?.status === 202 ? ann : bob);
  const again = await upload(file(4000), key);
  await setLimits(app.store, { contacts: 1 }, ann.brandId);
  const replayed = await upload(file(4000), key);
  expect([replayed.status, replayed.body.jobId]).toEqual([202, again.body.jobId]);
  await waitForEnd(again.body.jobId);
  await setLimits(app.store, { importsOfAllBrands: null });
});

test("import: a small file of one brand is done while large files of another are processed", async () => {
  const large = await Promise.all(Array.from({ length: 6 }, (_, n) => upload(file(5000, `l${n}.`))));
  const bob = await createBrandOwner(app, `bob${brands}`);
  const small = await upload(file(400), {}, bob, await createCampaign(bob));
  expect(await waitForEnd(small.body.jobId, bob)).toMatchObject({ status: "DONE", rows: 400 });
  for (const { body } of large) {
    const { job } = (await ann.request<Answer>("GET", `/api/campaigns/import-jobs/${body.jobId}`)).body;
    expect(job.rows).toBeLessThan(5000);
  }
  for (const { body } of large) await waitForEnd(body.jobId);
});

test("import: below the minimum of free disk space uploads answer 503 unread, and running imports wait", async () => {
  const { config } = app.deps;
  const floor = config.minFreeDiskBytes;
  const short = await startApp({
    config: { minFreeDiskBytes: Number.MAX_SAFE_INTEGER },
  });
  const owner = await createBrandOwner(short, "ann");
  const { body } = await owner.request<Answer>("POST", "/api/campaigns", { name: "Plan" });
  const never = new ReadableStream({ pull: () => Promise.reject(new Error("the body was read")) });
  const response = await short.app.handle(
    new Request(`http://localhost/api/campaigns/${body.campaign.id}/import-contacts`, {
      method: "POST",
      body: never,
      headers: { "content-type": "text/csv", authorization: `Bearer ${owner.token}` },
      duplex: "half",
    } as RequestInit),
  );
  expect([response.status, response.headers.get("retry-after")]).toEqual([503, "60"]);
  expect(((await response.json()) as Answer).message).toBe(
    "The disk is almost full, so no files are accepted: try again later",
  );
  await short.close();

  // The route keeps the minimum it was created with; an import uses the present one.
  config.minFreeDiskBytes = Number.MAX_SAFE_INTEGER;
  const { jobId } = (await upload(file(3000))).body;
  await waitUntil("the import waits", async () =>
    app.logged.some((line) => line.includes("imports.import_waiting") && line.includes(`"waitsFor":"disk_space"`)),
  );
  const waiting = await ann.request<Answer>("GET", `/api/campaigns/import-jobs/${jobId}`);
  expect(waiting.body.job).toMatchObject({ status: "RUNNING", rows: 0 });
  config.minFreeDiskBytes = floor;
  expect(await waitForEnd(jobId)).toMatchObject({ status: "DONE", rows: 3000 });
});

test("free disk space: a folder that does not exist yet is measured by its parent", async () => {
  const missing = join(app.deps.config.dataDir, "not", "there", "yet");
  expect(await watchDiskSpace(missing, 1).isLow()).toBe(false);
  expect(await watchDiskSpace(missing, Number.MAX_SAFE_INTEGER).isLow()).toBe(true);
});
