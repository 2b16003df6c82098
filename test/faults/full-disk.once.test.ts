import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createReadyBrand, getImportJobView, type ReadyBrand, uploadContacts } from "../support/api-campaign.ts";
import { program } from "../support/replica.ts";
import { waitUntil } from "../support/servers/temp-server.ts";
import { type Service, startService } from "../support/service.ts";
import { createSmallDisk, type SmallDisk } from "./full-disk.ts";

// Run the whole program on SQLite, with its data and log on a disk that becomes full: writes are refused with 503,
// reading continues, an import waits, and all continue without a restart once space is free.

const CONTACTS = 30_000;
setDefaultTimeout(120_000);

let home: string;
let disk: SmallDisk;
let service: Service;
let brand: ReadyBrand;
let admin: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "reprise-disk-"));
  disk = createSmallDisk(join(home, "disk"), 160);
  service = await startService({
    dataDir: disk.folder,
    command: disk.wrap(["sh", "-c", `exec "$@" 2>>"$LOG"`, "sh", ...program]),
    env: { LOG: join(disk.folder, "log"), SMTP_ALLOW_PRIVATE_HOSTS: "true", DATABASE_URL: "", MIN_FREE_DISK_MB: "0" },
  });
  admin = await service.admin();
  brand = await createReadyBrand(service, admin, { name: "Disk", smtpPort: 0, mailboxes: [], credits: 10 });
});
afterAll(async () => {
  await service.remove();
  disk.remove();
  rmSync(home, { recursive: true, force: true });
});

const pid = () => Number(readFileSync(join(service.folder, "..", "pid"), "utf8"));
const log = () => readFileSync(join(disk.folder, "log"), "utf8");
let people = 0;
const write = () =>
  service.api("POST", "/api/contacts", {
    token: brand.token,
    body: { email: `p${++people}@client.example`, custom: { note: "x".repeat(900) } },
  });
const reads = () => service.api("GET", "/api/contacts", { token: brand.token });

test("full disk: every write answers 503 from the first failure on, and reading continues", async () => {
  disk.fill(0, pid());
  let answer = await write();
  // The write-ahead log of SQLite may have some space left.
  for (let more = 0; more < 30_000 && answer.status < 300; more++) answer = await write();
  expect([answer.status, answer.headers.get("retry-after"), answer.body]).toMatchObject([
    503,
    "5",
    { code: "UNAVAILABLE" },
  ]);
  for (let more = 0; more < 5; more++) expect((await write()).status).toBe(503);
  expect((await reads()).status).toBe(200);
  disk.free(pid());
  await waitUntil("writing works again", async () => (await write()).status < 300);
});

test("full disk: a running import waits, and continues when space is free", async () => {
  // Wait until the previous outage counts as over: no failure for a while.
  await Bun.sleep(3_500);
  expect((await write()).status).toBeLessThan(300);
  const jobId = await uploadContacts(service, brand, "Full", CONTACTS);
  await waitUntil("the import has begun", async () => (await getImportJobView(brand, jobId)).rows > 0);
  disk.fill(0, pid());
  let rows = -1;
  await waitUntil("the import makes no progress", async () => {
    const before = rows;
    ({ rows } = await getImportJobView(brand, jobId));
    await Bun.sleep(300);
    return rows === before;
  });
  expect(await getImportJobView(brand, jobId)).toMatchObject({ status: "RUNNING", error: null });
  expect(rows).toBeLessThan(CONTACTS);
  expect((await reads()).status).toBe(200);
  disk.free(pid());
  await waitUntil(
    "the import is done",
    async () => (await getImportJobView(brand, jobId)).status !== "RUNNING",
    90_000,
  );
  expect(await getImportJobView(brand, jobId)).toMatchObject({
    status: "DONE",
    rows: CONTACTS,
    verdicts: { added: CONTACTS },
  });
});

test("full disk: afterwards the ledger is correct, the log continues, and no unexpected error is logged", async () => {
  const { body } = await service.api("POST", "/api/auth/admin/verify-ledger", { token: admin, body: {} });
  expect(body).toMatchObject({ ok: true, drifts: [] });
  expect(await service.stop()).toBe(0);
  expect(log()).toContain('"event":"service.stopped"');
  expect(log()).not.toMatch(/EADDRINUSE|unhandled|uncaught|listener_failed|imports\.import_failed/);
});
