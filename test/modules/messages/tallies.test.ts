import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { messages } from "../../../src/db/schema/messages.ts";
import { SYSTEM, tenantScope } from "../../../src/db/tenant-scope.ts";
import { DAY, HOUR } from "../../../src/lib/clock.ts";
import { seededRandom } from "../../../src/lib/random.ts";
import { deleteCampaign } from "../../../src/modules/deletion/campaign.ts";
import type { FollowUp } from "../../../src/modules/delivery/model.ts";
import { resolveUnknown } from "../../../src/modules/delivery/rescuer.ts";
import { findTallyMismatches } from "../../../src/modules/messages/tally-mismatches.ts";
import { createBan } from "../../../src/modules/suppressions/bans.ts";
import type { BrandOwner } from "../../support/brands.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";
import { LATER, REJECTED, UNKNOWN } from "../../support/scripted-channel.ts";

setDefaultTimeout(120_000);

const ALL = "/api/auth/admin/scheduled-follow-ups";

interface Page {
  items: FollowUp[];
  pagination: { total: number };
}

let world: OutreachApp;
let admin: BrandOwner["request"];
beforeAll(async () => {
  world = await startOutreachApp();
});
beforeEach(async () => {
  admin = await world.admin();
});
afterEach(async () => {
  expect(await findTallyMismatches(world.store.read)).toEqual([]);
});
afterAll(() => world.close());

/** Runs campaigns with random outcomes, bans, replies and resolutions, so that messages pass through all statuses. */
async function runCampaigns(seed: number): Promise<void> {
  const random = seededRandom(`tallies ${seed}`);
  const chance = (odds: number) => random() < odds;
  for (let brand = 0; brand < 3; brand++) {
    const stage = await world.createLaunched({
      people: 4 + Math.floor(random() * 8),
      delays: [0, 1, 1],
      dailyLimit: 6,
    });
    for (let round = 0; round < 3; round++) {
      world.channel.enqueue(...[REJECTED, UNKNOWN, LATER, UNKNOWN].filter(() => chance(0.5)));
      await world.run();
      const email = stage.emails[round];
      if (email && chance(0.5)) {
        await world.store.write((tx) => createBan(tx, { scope: stage.brandId, email, source: "MANUAL" }));
      }
      if (chance(0.4)) await world.store.write((tx) => world.recordReply(tx, stage, "Tell me more"));
      const lost = await world.store.read.select().from(messages).where(eq(messages.status, "UNKNOWN"));
      for (const { id } of lost.filter(() => chance(0.6))) {
        await world.store.write((tx) => resolveUnknown(tx, id, chance(0.5) ? "SENT" : "NOT_SENT", tenantScope(SYSTEM)));
      }
      await world.run();
      world.clock.advance(Math.ceil(random() * 1.2 * DAY));
      await world.engine.sweep();
    }
  }
  const unsent = await world.createLaunched({ people: 3 });
  await unsent.request("POST", `/api/campaigns/${unsent.campaignId}/cancel`, {});
  expect(await findTallyMismatches(world.store.read)).toEqual([]);
  // Sign in again: the session expired as time passed.
  admin = await world.admin();
}

/** Computes the expected list from all messages, without tallies. */
async function expected(fromStage: number, status?: FollowUp["status"]): Promise<string[]> {
  const rows = await world.store.read.select().from(messages);
  const wire = (inside: string) => (inside === "SENDING" || inside === "UNKNOWN" ? "PENDING" : inside);
  return rows
    .filter((row) => row.stage >= fromStage && (status === undefined || wire(row.status) === status))
    .sort((a, b) => b.scheduledTime - a.scheduledTime || (a.id < b.id ? 1 : -1))
    .map(({ id }) => id);
}

test.each([1, 2])(
  "scheduled-follow-ups: the platform's list is complete and in order over all pages (seed %d)",
  async (seed) => {
    await runCampaigns(seed);
    for (const fromStage of [0, 1]) {
      for (const status of [undefined, "PENDING", "SENT", "CANCELLED", "FAILED"] as const) {
        const ids = await expected(fromStage, status);
        for (const limit of [3, 7, 100]) {
          const seen: string[] = [];
          for (let page = 1; page <= Math.ceil(ids.length / limit) + 1; page++) {
            const query = `page=${page}&limit=${limit}&includeOpening=${fromStage === 0}${status ? `&status=${status}` : ""}`;
            const { items, pagination } = (await admin<Page>("GET", `${ALL}?${query}`)).body;
            expect([query, pagination.total]).toEqual([query, ids.length]);
            seen.push(...items.map(({ id }) => id));
          }
          expect(seen).toEqual(ids);
        }
      }
    }
  },
);

test("message tallies: a deleted campaign is subtracted", async () => {
  const stage = await world.createLaunched({ people: 3 });
  expect((await stage.request("POST", `/api/campaigns/${stage.campaignId}/cancel`, {})).status).toBe(200);
  const before = (await admin<Page>("GET", `${ALL}?includeOpening=true`)).body.pagination.total;
  await world.store.write((tx) => deleteCampaign(tx, stage.campaignId, tenantScope(SYSTEM)));
  expect((await admin<Page>("GET", `${ALL}?includeOpening=true`)).body.pagination.total).toBe(before - 3);
});

test("findTallyDrifts: reports a message that was changed behind the tallies", async () => {
  const stage = await world.createLaunched({ people: 1 });
  const [row] = await world.listMessages(stage.campaignId);
  const move = (by: number) =>
    world.store.write((tx) =>
      tx
        .update(messages)
        .set({ scheduledTime: (row?.scheduledTime ?? 0) + by })
        .where(eq(messages.id, row?.id ?? "")),
    );
  await move(HOUR);
  expect((await findTallyMismatches(world.store.read)).length).toBeGreaterThanOrEqual(2);
  await move(0);
});
