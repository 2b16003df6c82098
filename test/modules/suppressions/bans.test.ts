import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { bans } from "../../../src/db/schema/suppressions.ts";
import { DAY, iso } from "../../../src/lib/clock.ts";
import { getBalance } from "../../../src/modules/credits/balance.ts";
import { type BanRequest, createBan, isBanned, PLATFORM } from "../../../src/modules/suppressions/bans.ts";
import type { Ban } from "../../../src/modules/suppressions/model.ts";
import type { BrandOwner } from "../../support/brands.ts";
import { fuzzEndpoint } from "../../support/fuzz-body.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";

setDefaultTimeout(60_000);

const LIST = "/api/auth/banned";

interface Answer {
  success: boolean;
  id: string;
  message: string;
  code: string;
  details?: { field: string }[];
  data: Ban[];
  nextCursor: string | null;
}

let world: OutreachApp;
beforeAll(async () => {
  world = await startOutreachApp();
});
afterEach(async () => {
  await world.cancelAllCampaigns();
  await world.store.write((tx) => tx.delete(bans).where(eq(bans.scope, PLATFORM)));
  expect(await world.listDrifts()).toEqual([]);
});
afterAll(() => world.close());

const owner = () => world.createDraft({ people: 0, credits: 0 });
const add = ({ request }: Pick<BrandOwner, "request">, body: unknown) => request<Answer>("POST", LIST, body);
const list = async ({ request }: Pick<BrandOwner, "request">, query = "") =>
  (await request<Answer>("GET", `${LIST}?${query}`)).body;
const remove = ({ request }: Pick<BrandOwner, "request">, id: string, path = id) =>
  request<Answer>("DELETE", `${LIST}/${path}`, { id });
const put = (order: Partial<BanRequest> & { scope: string }) =>
  world.store.write((tx) => createBan(tx, { source: "MANUAL", ...order }));

describe("POST /api/auth/banned", () => {
  test("addresses are stored normalized: e-mail in lower case, phone in E.164", async () => {
    const ann = await owner();
    const answer = await add(ann, {
      email: "Some.One@Example.COM",
      phone: "+1 (202) 555-0123",
      reason: "asked by phone",
    });
    expect(answer).toMatchObject({ status: 200, body: { success: true } });
    expect(await list(ann)).toEqual({
      success: true,
      nextCursor: null,
      data: [
        {
          id: answer.body.id,
          email: "some.one@example.com",
          phone: "+12025550123",
          reason: "asked by phone",
          messageGot: null,
          sentimentScore: null,
          createdAt: iso(world.clock.now()),
        },
      ],
    } as never);
  });

  test("a second ban of the same address returns the same id and adds a missing phone number", async () => {
    const ann = await owner();
    const first = (await add(ann, { email: "a@example.com" })).body.id;
    expect((await add(ann, { email: "A@EXAMPLE.com" })).body.id).toBe(first);
    expect((await add(ann, { email: "a@example.com", phone: "+12025550123" })).body.id).toBe(first);
    expect((await add(ann, { phone: "+12025550123" })).body.id).toBe(first);
    expect((await list(ann)).data).toMatchObject([{ email: "a@example.com", phone: "+12025550123" }]);
  });

  test("a new e-mail address with an already banned phone number is banned under the same id", async () => {
    const ann = await owner();
    const first = (await add(ann, { email: "a@example.com", phone: "+12025550123" })).body.id;
    expect((await add(ann, { email: "b@example.com", phone: "+12025550123" })).body.id).toBe(first);
    for (const email of ["a@example.com", "b@example.com"]) {
      expect(await isBanned(world.store.read, ann.brandId, email, null)).toBe(true);
    }
    // Ban e-mail and phone separately, then together: two bans of one contact.
    const [email, phone] = [await add(ann, { email: "c@example.com" }), await add(ann, { phone: "+12025550124" })];
    const both = await add(ann, { email: "c@example.com", phone: "+12025550124" });
    expect(both.status).toBe(200);
    expect([email.body.id, phone.body.id]).toContain(both.body.id);
  });

  test("ten concurrent bans of one address create one ban", async () => {
    const ann = await owner();
    const answers = await Promise.all(Array.from({ length: 10 }, () => add(ann, { email: "race@example.com" })));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1);
    expect((await list(ann)).data).toHaveLength(1);
  });

  test("a body without a valid address, or with a too long reason, is answered with 422 and the field name", async () => {
    const ann = await owner();
    const bad: [object, string][] = [
      [{}, "email"],
      [{ reason: "x" }, "email"],
      [{ email: "" }, "email"],
      [{ email: "not-an-address" }, "email"],
      [{ email: null }, "email"],
      [{ phone: "12" }, "phone"],
      [{ phone: "02025550123" }, "phone"],
      [{ email: "a@example.com", phone: "x" }, "phone"],
      [{ email: "a@example.com", reason: "x".repeat(501) }, "reason"],
    ];
    for (const [body, field] of bad) {
      const answer = await add(ann, body);
      expect([body, answer.status, answer.body.details?.[0]?.field]).toEqual([body, 422, field]);
    }
    expect((await list(ann)).data).toEqual([]);
  });

  test("a ban cancels pending messages to the address in all campaigns of the brand and releases their credits", async () => {
    const stage = await world.createLaunched({ people: 2 });
    const twin = await world.copyDraft(stage);
    await world.run();
    expect((await add(stage, { email: stage.emails[0] })).status).toBe(200);
    const followUps = (await world.listMessages(stage.campaignId)).slice(2);
    expect(followUps.find(({ contactId }) => contactId === stage.people[0])).toMatchObject({
      status: "CANCELLED",
      errorMessage: "BANNED",
      processedAt: world.clock.now(),
    });
    expect(await getBalance(world.store.read, stage.brandId)).toMatchObject({ totalUsed: 2, totalReserved: 1 });
    await world.launch(twin);
    await world.advanceClock(3 * DAY);
    expect(world.channel.recipients.filter((to) => to === stage.emails[0])).toHaveLength(1);
    expect(world.channel.recipients.filter((to) => to === stage.emails[1])).toHaveLength(4);
  });

  test("a ban by an admin without a brand applies to all brands", async () => {
    const [ann, bob] = [await world.createLaunched({ people: 1 }), await world.createLaunched({ people: 1 })];
    const admin = { request: await world.admin() };
    const { body } = await add(admin, { email: ann.emails[0] });
    expect((await list(ann)).data).toEqual([]);
    expect((await list(admin)).data.map(({ id }) => id)).toEqual([body.id]);
    await world.advanceClock(3 * DAY);
    expect(world.channel.recipients).toEqual([bob.emails[0] ?? "", bob.emails[0] ?? ""]);
    expect((await remove(admin, body.id)).status).toBe(200);
  });
});

describe("DELETE /api/auth/banned/:id", () => {
  test("takes the id in the path, or in the body when the path has the literal :id of generated clients", async () => {
    const ann = await owner();
    const ids = [await add(ann, { email: "a@example.com" }), await add(ann, { email: "b@example.com" })].map(
      ({ body }) => body.id,
    );
    expect(await remove(ann, ids[0] ?? "")).toMatchObject({ status: 200, body: { success: true } });
    expect(await remove(ann, ids[1] ?? "", ":id")).toMatchObject({ status: 200, body: { success: true } });
    expect((await list(ann)).data).toEqual([]);
    expect((await remove(ann, ids[0] ?? "")).status).toBe(404);
  });

  test("answers 400 for two different ids and 422 without an id in the body", async () => {
    const ann = await owner();
    const { body } = await add(ann, { email: "a@example.com" });
    expect(await remove(ann, body.id, "another")).toMatchObject({ status: 400, body: { code: "MALFORMED" } });
    expect((await ann.request("DELETE", `${LIST}/${body.id}`, {})).status).toBe(422);
    expect((await ann.request("DELETE", `${LIST}/${body.id}`)).status).toBe(422);
    expect((await list(ann)).data).toHaveLength(1);
  });

  test("answers 404 for a ban of another brand or of the platform", async () => {
    const [ann, bob] = [await owner(), await owner()];
    const { id } = await put({ scope: ann.brandId, email: "a@example.com" });
    const platform = await put({ scope: PLATFORM, email: "p@example.com" });
    expect((await remove(bob, id)).status).toBe(404);
    expect((await remove(bob, platform.id, ":id")).status).toBe(404);
    expect((await list(bob)).data).toEqual([]);
  });

  test.each(["OPT_OUT", "UNSUBSCRIBE"] as const)(
    "answers an owner 403 for a ban by %s of the contact; an admin may delete the ban",
    async (source) => {
      const ann = await owner();
      const { id } = await put({ scope: ann.brandId, email: "own@example.com", source });
      expect(await remove(ann, id)).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
      expect(await isBanned(world.store.read, ann.brandId, "own@example.com", null)).toBe(true);
      expect((await remove({ request: await world.admin() }, id)).status).toBe(200);
    },
  );

  test("answers an owner 403 when the contact opted out after a manual ban", async () => {
    const ann = await owner();
    const { id } = await put({ scope: ann.brandId, email: "own@example.com" });
    await put({ scope: ann.brandId, email: "own@example.com", source: "OPT_OUT" });
    expect((await remove(ann, id)).status).toBe(403);
  });
});

test("/api/auth/banned: invalid input never causes a 500, and requests without a session get 401", async () => {
  const ann = await owner();
  expect((await world.app.request("GET", LIST)).status).toBe(401);
  const { body } = await add(ann, { email: "good@example.com" });
  await fuzzEndpoint(ann, "POST", LIST, { email: "x@example.com", phone: "+12025550199", reason: "x" });
  await fuzzEndpoint(ann, "GET", LIST);
  await fuzzEndpoint(ann, "DELETE", `${LIST}/${body.id}`, { id: body.id });
});
