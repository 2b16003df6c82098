import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import { SLICE_ROWS } from "../../src/db/slices.ts";
import { NEVER } from "../../src/modules/messages/model.ts";
import { BULK_IDS, BULK_ROWS } from "./bulk-data.ts";
import { type BulkService, measureResponsiveness, startBulkService } from "./bulk-service.ts";

// Request health and a list over HTTP while one request works on very many rows. Assert a count, not a time: a response
// takes some passes of the event loop, and there is at least one pass for each slice.

setDefaultTimeout(900_000);

const path = `/api/campaigns/${BULK_IDS.campaignId}`;
/** Minimum of responses to expect. Without slices there was none but the first. */
const FEWEST = Math.floor(BULK_ROWS / SLICE_ROWS / 8);

let service: BulkService;
beforeAll(async () => {
  service = await startBulkService(BULK_ROWS);
});
afterAll(() => service.close());

test(`launch of ${BULK_ROWS} contacts: health and lists are answered meanwhile`, async () => {
  const { answered } = await measureResponsiveness(service, "POST", `${path}/launch`, { confirmContacts: BULK_ROWS });
  expect(answered).toBeGreaterThan(FEWEST);
});

test(`resume of ${BULK_ROWS} messages: health and lists are answered meanwhile`, async () => {
  expect((await service.api("POST", `${path}/pause`, { token: service.token })).status).toBe(200);
  await service.store.write((tx) =>
    tx.all(sql`update messages set run_at = ${NEVER}, error_message = 'CAMPAIGN_PAUSED' where status = 'PENDING'`),
  );
  const { answered } = await measureResponsiveness(service, "POST", `${path}/resume`);
  expect(answered).toBeGreaterThan(FEWEST);
});

test(`cancel of ${BULK_ROWS} messages: health and lists are answered meanwhile`, async () => {
  const { answered } = await measureResponsiveness(service, "POST", `${path}/cancel`);
  expect(answered).toBeGreaterThan(FEWEST);
});

test(`delete of a campaign of ${BULK_ROWS} contacts: health and lists are answered meanwhile`, async () => {
  const { answered } = await measureResponsiveness(service, "DELETE", path);
  expect(answered).toBeGreaterThan(FEWEST);
});
