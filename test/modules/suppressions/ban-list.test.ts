import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { bans } from "../../../src/db/schema/suppressions.ts";
import { type BanRequest, createBan, PLATFORM } from "../../../src/modules/suppressions/bans.ts";
import type { Ban } from "../../../src/modules/suppressions/model.ts";
import type { BrandOwner } from "../../support/brands.ts";
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
const put = (order: Partial<BanRequest> & { scope: string }) =>
  world.store.write((tx) => createBan(tx, { source: "MANUAL", ...order }));

describe("GET /api/auth/banned", () => {
  /** Creates bans of which two share a creation time, and one has no e-mail address. */
  async function createBans() {
    const ann = await owner();
    for (const name of ["d", "b", "e", "a", "c"]) {
      if (name !== "e") world.clock.advance(1);
      await add(ann, name === "c" ? { phone: "+12025550111" } : { email: `${name}@example.com` });
    }
    return ann;
  }
  const nameOf = ({ email }: Ban) => email?.[0] ?? "";
  async function pages(ann: BrandOwner, query: string, between = async () => {}): Promise<string[]> {
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page: Answer = await list(ann, `limit=2&${query}&cursor=${cursor}`);
      expect(page.data.length).toBeLessThanOrEqual(2);
      seen.push(...page.data.map(nameOf));
      cursor = page.nextCursor;
      await between();
    }
    return seen;
  }

  test("bans are sorted by creation time or e-mail address in either order, ties by id", async () => {
    const ann = await createBans();
    expect(await pages(ann, "")).toEqual(["", "a", "e", "b", "d"]);
    expect(await pages(ann, "sortBy=createdAt&sortOrder=desc")).toEqual(["", "a", "e", "b", "d"]);
    expect(await pages(ann, "sortOrder=asc")).toEqual(["d", "b", "e", "a", ""]);
    expect(await pages(ann, "sortBy=email&sortOrder=asc")).toEqual(["", "a", "b", "d", "e"]);
    expect(await pages(ann, "sortBy=email")).toEqual(["e", "d", "b", "a", ""]);
  });

  test("pages neither repeat nor skip a ban while other bans are added", async () => {
    for (const query of ["", "sortOrder=asc", "sortBy=email&sortOrder=asc", "sortBy=email"]) {
      const ann = await createBans();
      let count = 0;
      const between = async () => void (count < 3 && (await add(ann, { email: `bz${count++}@example.com` })));
      const seen = (await pages(ann, query, between)).filter((name) => name !== "b");
      expect(seen.toSorted()).toEqual(["", "a", "d", "e"]);
    }
  });

  test("the limit is 20 by default and 100 at most, and invalid parameters are answered with 422 and the field name", async () => {
    const ann = await owner();
    for (let at = 0; at < 25; at++) await put({ scope: ann.brandId, email: `p${at}@example.com` });
    expect((await list(ann)).data).toHaveLength(20);
    expect((await list(ann, "limit=100")).data).toHaveLength(25);
    for (const query of [
      "limit=0",
      "limit=101",
      "limit=-1",
      "limit=1.5",
      "limit=NaN",
      "limit=x",
      "sortBy=phone",
      "sortOrder=up",
    ]) {
      const answer = await ann.request<Answer>("GET", `${LIST}?${query}`);
      expect([query, answer.status, answer.body.details?.[0]?.field]).toEqual([query, 422, query.split("=")[0] ?? ""]);
    }
    const byEmail = (await list(ann, "sortBy=email")).nextCursor;
    for (const query of [
      "cursor=x",
      `cursor=${byEmail}`,
      `cursor=${btoa('[1.5,"x"]')}`,
      `cursor=${btoa('[1e300,"x"]')}`,
    ]) {
      const answer = await ann.request<Answer>("GET", `${LIST}?${query}`);
      expect([query, answer.status, answer.body.details?.[0]?.field]).toEqual([query, 422, "cursor"]);
    }
  });

  test("a ban after a hostile reply shows the reply's text and its sentiment score", async () => {
    const stage = await world.createLaunched({ people: 1 });
    await world.run();
    await world.store.write((tx) => world.recordReply(tx, stage, "I hate you, you disgusting piece of garbage."));
    const [shown] = (await list(stage)).data;
    expect(shown?.messageGot).toStartWith("I hate you");
    expect(shown?.sentimentScore).toBeLessThan(-0.6);
  });
});
