import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import type { Store } from "../../src/db/store.ts";
import { SYSTEM, tenantScope } from "../../src/db/tenant-scope.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { createLog } from "../../src/lib/logger.ts";
import { createBrand } from "../../src/modules/brands/brands.ts";
import { createCampaign } from "../../src/modules/campaigns/campaigns.ts";
import { archive, cancel, getCampaign } from "../../src/modules/campaigns/lifecycle.ts";
import { indexMissingContacts } from "../../src/modules/contacts/reindex.ts";
import { getFilePath, runImport } from "../../src/modules/imports/importer.ts";
import { createImportJob, getImportJob } from "../../src/modules/imports/jobs.ts";
import { parseConfig } from "../../src/server/config/config.ts";
import { openTestStore } from "../support/store.ts";
import { BULK_ROWS, expectSlicedWork, measureWork, numberTable } from "./bulk-data.ts";

// A file with as many rows as a large customer has contacts, all of whom are there. The cases follow each other.

setDefaultTimeout(900_000);

let store: Store;
let folder: string;
let campaignId: string;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ store, folder, close } = await openTestStore());
  campaignId = await store.write(async (tx) => {
    const brand = await createBrand(tx, { name: "Large" }, null);
    const { id } = await createCampaign(tx, brand.id, { name: "Large" });
    for (const statement of [
      `insert into contacts (id, brand_id, email, first_name, company, custom, created_at, updated_at)
        select 'p' || n.i, '${brand.id}', 'p' || n.i || '@people.example', 'Ann', 'Acme', '{}', 1, 1 from ${numberTable(BULK_ROWS)}`,
      `insert into conversations (id, brand_id, campaign_id, contact_id, mode, status, created_at, updated_at)
        select 'v' || n.i, '${brand.id}', '${id}', 'p' || n.i, 'AUTO', 'QUEUED', 1, 1 from ${numberTable(BULK_ROWS)}`,
      "delete from installation where name = 'contact words'",
    ])
      await tx.all(sql.raw(statement));
    return id;
  });
  await indexMissingContacts(store);
});
afterAll(() => close());

/** Reads a file of all people, each with this company, and tells what became of its rows. */
async function importAll(company: string): Promise<Record<string, number>> {
  const id = Bun.randomUUIDv7();
  const rows = Array.from({ length: BULK_ROWS }, (_, n) => `p${n}@people.example,Ann,${company}`);
  await Bun.write(getFilePath(folder, id), `email,first name,company\n${rows.join("\n")}\n`);
  const job = { id, campaignId, fileName: "all.csv", onDuplicate: "UPDATE", fileBytes: 1, options: {} } as const;
  await store.write((tx) => createImportJob(tx, tenantScope(SYSTEM), job));
  const config = parseConfig({ DATA_DIR: folder });
  const log = createLog("silent", systemClock, () => {});
  const tools = { config, store, clock: systemClock, log, wake: () => {} };
  expectSlicedWork(await measureWork(`import for ${company}`, () => runImport(tools, id)));
  const { status, verdicts } = await getImportJob(store.read, id, tenantScope(SYSTEM));
  expect(status).toBe("DONE");
  return verdicts;
}

async function count(condition: string): Promise<number> {
  const [row] = await store.read.all<{ n: unknown }>(sql.raw(`select count(*) as n from ${condition}`));
  return Number(row?.n);
}

test(`import: ${BULK_ROWS} contacts that are there are updated, each once`, async () => {
  expect(await importAll("Umbrella")).toEqual({ updated: BULK_ROWS });
  expect(await count("contacts where company = 'Umbrella'")).toBe(BULK_ROWS);
  expect(await count("contacts")).toBe(BULK_ROWS);
  expect(await count("conversations")).toBe(BULK_ROWS);
});

test(`archive: a campaign of ${BULK_ROWS} contacts is put away without a look at them`, async () => {
  const draft = await getCampaign(store.read, campaignId, tenantScope(SYSTEM));
  await store.write((tx) => cancel(tx, draft, null));
  const cancelled = await getCampaign(store.read, campaignId, tenantScope(SYSTEM));
  const { result } = await measureWork("archive", () => store.write((tx) => archive(tx, cancelled)));
  expect(result.status).toBe("ARCHIVED");
  expect(await count("conversations where status = 'QUEUED' and updated_at = created_at")).toBe(BULK_ROWS);
});
