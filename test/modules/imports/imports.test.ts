import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import { asc, eq } from "drizzle-orm";
import { campaigns } from "../../../src/db/schema/campaigns.ts";
import { contacts } from "../../../src/db/schema/contacts.ts";
import { conversations } from "../../../src/db/schema/conversations.ts";
import { importJobs, importRows } from "../../../src/db/schema/imports.ts";
import { messages } from "../../../src/db/schema/messages.ts";
import { bans } from "../../../src/db/schema/suppressions.ts";
import { DAY, type VirtualClock } from "../../../src/lib/clock.ts";
import type { Deps } from "../../../src/modules/deps.ts";
import { getFilePath, IMPORT_BATCH_ROWS, resumeImports, runImport } from "../../../src/modules/imports/importer.ts";
import { receiveFile } from "../../../src/modules/imports/upload.ts";
import demoContacts from "../../../src/simulator/demo/contacts.csv" with { type: "text" };
import { startApp, type TestApp } from "../../support/app.ts";
import { type BrandOwner, createBrandOwner } from "../../support/brands.ts";
import { waitUntil } from "../../support/servers/temp-server.ts";

interface Job {
  id: string;
  fileName: string;
  status: string;
  rows: number;
  verdicts: Record<string, number>;
  error: string | null;
  finishedAt: string | null;
}
interface Answer {
  message: string;
  details?: { field: string }[];
  jobId: string;
  job: Job;
  campaign: { id: string };
}

let app: TestApp;
let ann: BrandOwner;
let bob: BrandOwner;
let campaignId: string;
let brands = 0;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());
/** Create new brands for each test. */
beforeEach(async () => {
  brands++;
  [ann, bob] = [await createBrandOwner(app, `ann${brands}`), await createBrandOwner(app, `bob${brands}`)];
  campaignId = await createDraft(ann);
});

/** Creates a campaign with a first message, so that a contact who joins it after launch is scheduled. */
async function createDraft(owner: BrandOwner): Promise<string> {
  const { id } = (await owner.request<Answer>("POST", "/api/campaigns", { name: "Plan" })).body.campaign;
  const delay = { value: 0, unit: "MINUTES" };
  const steps = [{ stage: 0, channel: "EMAIL", delay, subject: "Hello", body: "Hello" }];
  expect((await owner.request("PUT", `/api/campaigns/${id}/steps`, { steps })).status).toBe(200);
  return id;
}

/** Returns the conversations of the campaign whose first message is scheduled, once for each message. */
async function scheduledConversations(): Promise<string[]> {
  const rows = await app.store.read
    .select({ id: messages.conversationId })
    .from(messages)
    .where(eq(messages.campaignId, campaignId));
  return rows.map(({ id }) => id).sort();
}

/** Sends a body unchanged, which the requests of the test app cannot. */
async function upload(
  body: Bun.BodyInit | null,
  query = "",
  headers: Record<string, string> = { "content-type": "text/csv" },
) {
  const init = { method: "POST", body, headers: { authorization: `Bearer ${ann.token}`, ...headers }, duplex: "half" };
  const response = await app.app.handle(
    new Request(`http://localhost/api/campaigns/${campaignId}/import-contacts${query}`, init as RequestInit),
  );
  return { status: response.status, body: (await response.json()) as Answer };
}

/** Sends a form, whose content type contains its boundary. */
function uploadForm(parts: Record<string, string | File>) {
  const form = new FormData();
  for (const [name, part] of Object.entries(parts)) form.append(name, part);
  return upload(form, "", {});
}

async function finished(jobId: string): Promise<Job> {
  let job: Job | undefined;
  await waitUntil(`import ${jobId} is finished`, async () => {
    job = (await ann.request<Answer>("GET", `/api/campaigns/import-jobs/${jobId}`)).body.job;
    return job.status !== "RUNNING";
  });
  return job as Job;
}

async function imported(body: Bun.BodyInit, query = ""): Promise<Job> {
  const answer = await upload(body, query);
  if (answer.status !== 202) throw new Error(JSON.stringify(answer));
  return finished(answer.body.jobId);
}

const resultOf = async (job: Job) => (await ann.request("GET", `/api/campaigns/import-jobs/${job.id}/result.csv`)).text;

/** Returns what an import creates, without ids and times. */
async function importedData(brandId = ann.brandId) {
  const people = await app.store.read.select().from(contacts).where(eq(contacts.brandId, brandId));
  const members = await app.store.read.select().from(conversations).where(eq(conversations.brandId, brandId));
  const emailOf = new Map(people.map(({ id, email }) => [id, email]));
  return {
    contacts: people
      .map(({ email, phone, firstName, custom }) => JSON.stringify([email, phone, firstName, custom]))
      .sort(),
    members: members.map(({ contactId }) => emailOf.get(contactId) ?? contactId).sort(),
  };
}

const spooled = () => {
  const folder = join(app.deps.config.dataDir, "imports");
  return existsSync(folder) ? readdirSync(folder) : [];
};

/** Waits for the given files in the upload folder: a file is deleted just after its job is done. */
const expectSpooled = (names: string[]) =>
  waitUntil(`${names.join(", ") || "nothing"} is in the upload folder`, async () => spooled().join() === names.join());

describe("import file", () => {
  const csv = [
    "Email,First Name,Phone,City",
    "jo@example.com,Jo,+12025550143,Ulm",
    "not-an-address,No,,",
    "kim@example.com,Kim,12,",
    "JO@example.com,Joseph,,Bonn",
    "banned@example.com,B,,",
    ",Nameless,,",
    '"broken,x',
    "",
  ].join("\n");

  test("each row gets a verdict, which the job counts and result.csv lists", async () => {
    await app.store.write((tx) =>
      tx.insert(bans).values({
        id: tx.newId(),
        scope: ann.brandId,
        email: "banned@example.com",
        source: "MANUAL",
        createdAt: tx.now,
      }),
    );
    const job = await imported(csv, "?fileName=people.csv");
    expect(job).toMatchObject({ status: "DONE", fileName: "people.csv", rows: 7, error: null });
    expect(job.verdicts).toEqual({
      added: 1,
      bad_email: 1,
      bad_phone: 1,
      duplicate: 1,
      banned: 1,
      no_address: 1,
      broken: 1,
    });
    expect(job.finishedAt).not.toBeNull();
    const lines = (await resultOf(job)).split("\r\n");
    expect(lines[0]).toBe("line,verdict,email,phone,message");
    expect(lines[1]).toBe("2,added,jo@example.com,+12025550143,");
    expect(lines[2]).toStartWith("3,bad_email,not-an-address,");
    expect(lines.slice(1, -1).map((line) => line.split(",")[1])).toEqual([
      "added",
      "bad_email",
      "bad_phone",
      "duplicate",
      "banned",
      "no_address",
      "broken",
    ]);
    const left = await importedData();
    expect(left.members).toEqual(["jo@example.com"]);
    expect(left.contacts).toEqual([JSON.stringify(["jo@example.com", "+12025550143", "Jo", { city: "Ulm" }])]);
    await expectSpooled([]);
    expect(await scheduledConversations()).toEqual([]);
  });

  test("a form is accepted with its fields before or after the file", async () => {
    const file = new File(["Adresse;Wer\njo@example.com;Jo\n"], "C:\\Leute\\Leute ö.csv", { type: "text/csv" });
    const mapping = JSON.stringify({ Adresse: "email", Wer: "firstName" });
    const before = await uploadForm({ mapping, onDuplicate: "UPDATE", file });
    expect(before.status).toBe(202);
    const job = await finished(before.body.jobId);
    expect(job).toMatchObject({ fileName: "Leute ö.csv", verdicts: { added: 1 } });
    const again = new File(["Adresse;Wer\njo@example.com;Josephine\n"], "x.csv");
    const after = await uploadForm({ file: again, mapping, onDuplicate: "UPDATE" });
    expect((await finished(after.body.jobId)).verdicts).toEqual({ updated: 1 });
    expect((await importedData()).contacts[0]).toContain("Josephine");
  });

  test("a UTF-16 file as Excel writes it is decoded", async () => {
    const text = "\ufeffE-Mail\tVorname\njö@bücher.example\tJörg\nzoe@example.com\tZoë\n";
    const job = await imported(Buffer.from(text, "utf16le"));
    expect(job.verdicts).toEqual({ bad_email: 1, added: 1 });
    expect((await importedData()).contacts).toEqual([JSON.stringify(["zoe@example.com", null, "Zoë", {}])]);
  });

  test("phone numbers without a country code are parsed with defaultCountry", async () => {
    const job = await imported("phone\n(202) 555-0143\n", "?defaultCountry=US");
    expect(job.verdicts).toEqual({ added: 1 });
    expect((await imported("phone\n(202) 555-0144\n")).verdicts).toEqual({ bad_phone: 1 });
  });

  test("the demo's file is imported with the expected number of invalid rows", async () => {
    const job = await imported(demoContacts);
    expect(job).toMatchObject({ status: "DONE", rows: 500 });
    expect(job.verdicts).toMatchObject({ bad_email: 8, bad_phone: 5 });
    expect(Object.values(job.verdicts).reduce((sum, count) => sum + count, 0)).toBe(500);
    expect((await importedData()).members).toHaveLength(job.verdicts.added ?? 0);
    expect((await imported(demoContacts)).verdicts).toMatchObject({ bad_email: 8, bad_phone: 5, duplicate: 487 });
    expect(await imported(demoContacts, "?onDuplicate=UPDATE").then(({ verdicts }) => verdicts.added)).toBeUndefined();
  });

  test("an unusable file fails with its reason", async () => {
    for (const [body, reason] of [
      [Buffer.from("PK\x03\x04 and so on", "latin1"), "Excel"],
      ["first,last\nJo,Miller\n", "no e-mail or phone column"],
      [Buffer.from([0, 1, 2, 0, 0, 3]), "not text"],
      [`email\n${"x".repeat(500_000)}\n`, "too large"],
    ] as const) {
      const job = await imported(body);
      expect(job.status).toBe("FAILED");
      expect(job.error).toContain(reason);
      expect(job.finishedAt).not.toBeNull();
    }
    const unknown = await imported("email\na@example.com\n", `?mapping=${encodeURIComponent('{"Nope":"email"}')}`);
    expect(unknown.error).toContain("no column");
    await expectSpooled([]);
  });

  test("a campaign that is cancelled during the import stops the import after the current batch", async () => {
    const rows = Array.from({ length: 1500 }, (_, n) => `p${n}@example.com`);
    let batches = 0;
    const cancelling = { ...app.deps, wake: () => void batches++ };
    const jobId = await createJob(`email\n${rows.join("\n")}\n`);
    await runImport(
      {
        ...cancelling,
        store: storeWithCallback(1, () =>
          app.store.write((tx) =>
            tx.update(campaigns).set({ status: "CANCELLED" }).where(eq(campaigns.id, campaignId)),
          ),
        ),
      },
      jobId,
    );
    const job = await finished(jobId);
    expect(job).toMatchObject({ status: "FAILED", rows: IMPORT_BATCH_ROWS });
    expect(job.error).toContain("CANCELLED");
    expect(batches).toBe(1);
  });

  test("contacts imported into a running campaign are scheduled", async () => {
    await app.store.write((tx) => tx.update(campaigns).set({ status: "RUNNING" }).where(eq(campaigns.id, campaignId)));
    await imported("email\na@example.com\nb@example.com\na@example.com\n");
    expect(await scheduledConversations()).toHaveLength(2);
  });
});

/** Creates a job with its file and no worker, as a killed process leaves it. */
async function createJob(text: string): Promise<string> {
  const jobId = Bun.randomUUIDv7();
  const path = getFilePath(app.deps.config.dataDir, jobId);
  await Bun.write(path, text);
  const job = { id: jobId, brandId: ann.brandId, campaignId, fileName: "x.csv", status: "RUNNING" as const };
  await app.store.write((tx) =>
    tx.insert(importJobs).values({ ...job, onDuplicate: "SKIP", verdicts: {}, options: {}, createdAt: tx.now }),
  );
  return jobId;
}

/** Wraps the store and calls a function after the given number of successful writes. */
function storeWithCallback(after: number, callback: () => Promise<unknown>): Deps["store"] {
  let writes = 0;
  return {
    ...app.store,
    async write(work) {
      const result = await app.store.write(work);
      if (++writes === after) await callback();
      return result;
    },
  };
}

/**
 * Wraps the store like a process that is killed before the commit of its nth transaction and does nothing afterwards.
 */
function crashingStore(nth: number): Deps["store"] {
  let writes = 0;
  return {
    ...app.store,
    async write(work) {
      if (++writes < nth) return app.store.write(work);
      return app.store.write(async (tx) => {
        if (writes === nth) await work(tx);
        throw new Error("killed");
      });
    },
  };
}

describe("interrupted import", () => {
  const people = Array.from({ length: 1750 }, (_, n) => {
    // Every fifth row repeats an earlier one, every seventh has no valid address.
    const email = n % 7 === 3 ? "not-an-address" : n % 5 === 4 ? `p${n - 3}@example.com` : `p${n}@example.com`;
    return `${email},"Name\nof ${n}"`;
  });
  const text = `email,first name\n${people.join("\n")}\n`;

  const batches = Math.ceil(1750 / IMPORT_BATCH_ROWS);

  test.each([1, 2, 3, batches, batches + 1])(
    "an import killed in its transaction %i continues where it stopped, and adds no contact twice",
    async (nth) => {
      const whole = await imported(text);
      const expected = await importedData();
      const result = await resultOf(whole);

      // Import the same file for another brand, with an interruption.
      ann = bob;
      campaignId = await createDraft(ann);
      await app.store.write((tx) =>
        tx.update(campaigns).set({ status: "RUNNING" }).where(eq(campaigns.id, campaignId)),
      );
      const jobId = await createJob(text);
      await runImport({ ...app.deps, store: crashingStore(nth) }, jobId);
      const [stopped] = await app.store.read.select().from(importJobs).where(eq(importJobs.id, jobId));
      expect(stopped).toMatchObject({ status: "RUNNING", rows: Math.min(IMPORT_BATCH_ROWS * (nth - 1), 1750) });
      await expectSpooled([`${jobId}.csv`]);

      await resumeImports(app.deps);
      const job = await finished(jobId);
      expect(job).toMatchObject({ status: "DONE", rows: 1750, verdicts: whole.verdicts });
      expect(await importedData()).toEqual(expected);
      expect(await resultOf(job)).toBe(result);
      const members = await app.store.read
        .select({ id: conversations.id })
        .from(conversations)
        .where(eq(conversations.campaignId, campaignId));
      expect(await scheduledConversations()).toEqual(members.map(({ id }) => id).sort());
      await expectSpooled([]);
    },
  );

  test("concurrent workers of one job import each row once", async () => {
    const jobId = await createJob(text);
    await Promise.all([1, 2, 3].map(() => runImport(app.deps, jobId)));
    const job = await finished(jobId);
    expect(job).toMatchObject({ status: "DONE", rows: 1750 });
    const rows = await app.store.read
      .select()
      .from(importRows)
      .where(eq(importRows.jobId, jobId))
      .orderBy(asc(importRows.line));
    expect(rows).toHaveLength(1750);
    expect((await importedData()).contacts).toHaveLength(job.verdicts.added ?? 0);
  });

  test("an abort signal stops the import between two batches, and a later run continues", async () => {
    const stopping = new AbortController();
    const jobId = await createJob(text);
    await runImport({ ...app.deps, wake: () => stopping.abort() }, jobId, { signal: stopping.signal });
    const [stopped] = await app.store.read.select().from(importJobs).where(eq(importJobs.id, jobId));
    expect(stopped).toMatchObject({ status: "RUNNING", rows: IMPORT_BATCH_ROWS });
    await resumeImports(app.deps);
    expect((await finished(jobId)).rows).toBe(1750);
  });

  test("a run waits while the database is unreachable", async () => {
    let failures = 1;
    const store: Deps["store"] = {
      ...app.store,
      write: (work) =>
        failures-- > 0
          ? Promise.reject(Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }))
          : app.store.write(work),
    };
    const jobId = await createJob("email\na@example.com\n");
    await runImport({ ...app.deps, store }, jobId);
    expect(await finished(jobId)).toMatchObject({ status: "DONE", rows: 1 });
  });

  test("a job without its file is failed after a day, and old uploads without a job are deleted", async () => {
    const jobId = await createJob("email\na@example.com\n");
    const path = getFilePath(app.deps.config.dataDir, jobId);
    const text = await Bun.file(path).text();
    await Bun.file(path).delete();
    await mkdir(join(path, ".."), { recursive: true });
    const [fresh, old] = [getFilePath(app.deps.config.dataDir, "fresh"), getFilePath(app.deps.config.dataDir, "old")];
    for (const leftover of [fresh, old]) await Bun.write(leftover, text);
    const clock = app.clock as VirtualClock;
    await utimes(old, new Date(clock.now() - 2 * DAY), new Date(clock.now() - 2 * DAY));
    await resumeImports(app.deps);
    expect((await ann.request<Answer>("GET", `/api/campaigns/import-jobs/${jobId}`)).body.job.status).toBe("RUNNING");
    await expectSpooled(["fresh.csv"]);
    await Bun.file(fresh).delete();

    await app.store.write((tx) =>
      tx
        .update(importJobs)
        .set({ createdAt: tx.now - DAY })
        .where(eq(importJobs.id, jobId)),
    );
    await resumeImports(app.deps);
    expect(await finished(jobId)).toMatchObject({ status: "FAILED" });
  });
});

describe("POST /api/campaigns/:id/import-contacts", () => {
  test.each([
    ["", "onDuplicate=MERGE", "onDuplicate"],
    ["", "mapping=nope", "mapping"],
    ["", "mapping=[]", "mapping"],
    ["", 'mapping={"a":1}', "mapping.a"],
    ["", 'mapping={"a":"\\u0000"}', "options.mapping.a"],
    ["", "defaultCountry=ZZ", "defaultCountry"],
    ["", "allowActiveElsewhere=1", "allowActiveElsewhere"],
  ])("%squery or form field %s answers 422 with the field name", async (_, option, field) => {
    const [name = "", value = ""] = option.split(/=(.*)/s);
    const asked = await upload("email\na@example.com\n", `?${name}=${encodeURIComponent(value)}`);
    expect([asked.status, asked.body.details?.[0]?.field]).toEqual([422, field]);
    const formed = await uploadForm({ file: new File(["email\n"], "x.csv"), [name]: value });
    expect([formed.status, formed.body.details?.[0]?.field]).toEqual([422, field]);
    await expectSpooled([]);
  });

  test("an unusable body is refused with 4xx and leaves no file", async () => {
    expect((await upload(null)).status).toBe(422);
    expect((await upload("")).status).toBe(422);
    expect((await upload("{}", "", { "content-type": "application/json" })).status).toBe(415);
    expect((await upload("x", "", { "content-type": "multipart/form-data" })).status).toBe(400);
    expect((await upload("--x\r\nhalf a form", "", { "content-type": "multipart/form-data; boundary=x" })).status).toBe(
      400,
    );
    const half = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nemail\na@example.com\n';
    expect((await upload(half, "", { "content-type": "multipart/form-data; boundary=x" })).status).toBe(400);
    expect((await uploadForm({ mapping: "{}" })).status).toBe(422);
    expect((await uploadForm({ file: new File([], "x.csv") })).status).toBe(422);
    expect((await uploadForm({ a: new File(["email\n"], "a.csv"), b: new File(["email\n"], "b.csv") })).status).toBe(
      422,
    );
    expect((await uploadForm({ file: new File(["email\n"], "x.csv"), mapping: "x".repeat(100_000) })).status).toBe(422);
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`f${n}`, "x"]));
    expect((await uploadForm({ ...many, file: new File(["email\n"], "x.csv") })).status).toBe(400);
    const broken = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("email\n"));
        controller.error(new Error("gone"));
      },
    });
    expect((await upload(broken)).status).toBe(400);
    await expectSpooled([]);
  });

  test("a too large body is refused with TOO_LARGE, with or without a declared length, and leaves no file", async () => {
    const chunk = new Uint8Array(50_000).fill(97);
    const stream = () => new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(chunk) });
    const path = getFilePath(app.deps.config.dataDir, "large");
    const receive = (headers: Record<string, string>, body: Bun.BodyInit) =>
      receiveFile(
        new Request("http://localhost", { method: "POST", headers, body, duplex: "half" } as RequestInit),
        path,
        { limit: 1_000_000 },
      );
    const form = new FormData();
    form.append("file", new File([new Uint8Array(1_000_001)], "x.csv"));
    const attempts = [
      () => receive({ "content-type": "text/csv" }, stream()),
      () => receive({ "content-type": "text/csv", "content-length": "9000000000" }, "email\n"),
      () => receive({}, form),
    ];
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toMatchObject({ code: "TOO_LARGE" });
      expect(existsSync(path)).toBe(false);
    }
  });

  test("a campaign that takes no contacts answers 409 without reading the body", async () => {
    await app.store.write((tx) =>
      tx.update(campaigns).set({ status: "COMPLETED" }).where(eq(campaigns.id, campaignId)),
    );
    const never = new ReadableStream({ pull: () => Promise.reject(new Error("the body was read")) });
    expect((await upload(never)).status).toBe(409);
  });

  test("other owners get 404 for the upload, the job and its result, and requests without a session 401", async () => {
    const job = await imported("email\na@example.com\n");
    for (const path of [`/api/campaigns/import-jobs/${job.id}`, `/api/campaigns/import-jobs/${job.id}/result.csv`]) {
      expect((await bob.request("GET", path)).status).toBe(404);
      expect((await app.request("GET", path)).status).toBe(401);
      expect((await ann.request("GET", path)).status).toBe(200);
    }
    const uploadPath = `/api/campaigns/${campaignId}/import-contacts`;
    expect((await bob.request("POST", uploadPath, "email\n", { "content-type": "text/csv" })).status).toBe(404);
    expect(
      (await app.request("POST", uploadPath, { body: "email\n", headers: { "content-type": "text/csv" } })).status,
    ).toBe(401);
    for (const id of ["x", "%00", "__proto__", "a".repeat(5000)]) {
      expect((await ann.request("GET", `/api/campaigns/import-jobs/${id}`)).status).toBeLessThan(500);
      expect((await ann.request("GET", `/api/campaigns/import-jobs/${id}/result.csv`)).status).toBeLessThan(500);
      expect(
        (await ann.request("POST", `/api/campaigns/${id}/import-contacts`, "email\n", { "content-type": "text/csv" }))
          .status,
      ).toBeLessThan(500);
    }
    await expectSpooled([]);
  });
});

test("import: files of random bytes end as DONE or FAILED without an internal error", async () => {
  const logged = app.logged.length;
  for (let n = 0; n < 40; n++) {
    const bytes = crypto.getRandomValues(new Uint8Array(2_000));
    const job = await imported(n % 2 ? bytes : Buffer.concat([Buffer.from("email,phone,note\n"), bytes]));
    expect(["DONE", "FAILED"]).toContain(job.status);
    expect(job.error ?? "").not.toContain("our side");
    expect(await resultOf(job)).toStartWith("line,verdict");
  }
  expect(app.logged.slice(logged).filter((line) => line.includes('"level":"error"'))).toEqual([]);
}, 30_000);
