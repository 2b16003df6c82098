import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { and, eq } from "drizzle-orm";
import { campaigns } from "../../../src/db/schema/campaigns.ts";
import { conversations } from "../../../src/db/schema/conversations.ts";
import { messages } from "../../../src/db/schema/messages.ts";
import { bans } from "../../../src/db/schema/suppressions.ts";
import type { Campaign } from "../../../src/modules/campaigns/model.ts";
import { updateCounts } from "../../../src/modules/messages/counts.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { type BrandOwner, createBrandOwner, requestAs } from "../../support/brands.ts";
import { fuzzEndpoint } from "../../support/fuzz-body.ts";

interface Answer {
  message: string;
  details?: { field: string }[];
  campaign: Campaign;
  data: Campaign[];
  nextCursor: string | null;
  version: number;
  stage: number;
  steps: { stage: number; delay: object; subject: string | null; counts: object }[];
  unknownIds: string[];
  emailAccounts: { id: string }[];
  emailAccount: { id: string };
  added: number;
  updated: number;
  enrolled: number;
  skipped: { index: number; code: string; message: string }[];
}

interface Members {
  data: { conversationId: string; status: string; contact: { id: string; email: string } }[];
  nextCursor: string | null;
}

let app: TestApp;
let ann: BrandOwner;
let bob: BrandOwner;
let brands = 0;

const opening = {
  stage: 0,
  channel: "EMAIL",
  delay: { value: 0, unit: "MINUTES" },
  subject: "Hello {{ firstName }}",
  body: "Hi {{ firstName }}",
};
const followUp = {
  stage: 1,
  channel: "EMAIL",
  delay: { value: 3, unit: "DAYS" },
  body: "Just asking again, {{ firstName }}",
};

beforeAll(async () => {
  app = await startApp({
    config: { channels: "simulator" },
  });
});
afterAll(() => app.close());
/** Create new brands for each test. */
beforeEach(async () => {
  brands++;
  [ann, bob] = [await createBrandOwner(app, `ann${brands}`), await createBrandOwner(app, `bob${brands}`)];
});

async function draft(owner = ann, plan: object = {}): Promise<Campaign> {
  const made = await owner.request<Answer>("POST", "/api/campaigns", { name: "Plan", ...plan });
  if (made.status !== 200) throw new Error(made.text);
  return made.body.campaign;
}

function become(id: string, status: Campaign["status"]) {
  return app.store.write((tx) => tx.update(campaigns).set({ status, launchedAt: tx.now }).where(eq(campaigns.id, id)));
}

/** Returns the conversations of a campaign whose first message is scheduled. */
async function scheduledConversations(campaignId: string): Promise<string[]> {
  const rows = await app.store.read
    .select({ id: messages.conversationId })
    .from(messages)
    .where(and(eq(messages.campaignId, campaignId), eq(messages.stage, 0), eq(messages.status, "PENDING")));
  return rows.map(({ id }) => id).sort();
}

const addContacts = (id: string, contacts: object[], options: object = {}, owner = ann) =>
  owner.request<Answer>("POST", `/api/campaigns/${id}/add-contacts`, { contacts, ...options });

/** Inserts a message of a stage, as if the campaign's contact had reached the stage. */
async function reach(campaign: Campaign, stage: number): Promise<void> {
  await app.store.write(async (tx) => {
    const [conversation] = await tx
      .select()
      .from(conversations)
      .where(eq(conversations.campaignId, campaign.id))
      .limit(1);
    if (!conversation) throw new Error("the campaign has no contact");
    await tx.insert(messages).values({
      id: tx.newId(),
      brandId: campaign.brandId,
      campaignId: campaign.id,
      conversationId: conversation.id,
      contactId: conversation.contactId,
      stage,
      channel: "EMAIL",
      status: "PENDING",
      scheduledTime: 0,
      runAt: 0,
      credits: 0,
      createdAt: tx.now,
    });
    await updateCounts(tx, [{ campaignId: campaign.id, stage, scheduledTime: 0, from: null, to: "PENDING" }]);
  });
}

describe("/api/campaigns", () => {
  test("a new campaign is a draft with the brand's time zone, channel EMAIL and no send windows", async () => {
    await ann.request("PATCH", `/api/brands/${ann.brandId}`, { timezone: "America/Chicago" });
    expect(await draft()).toMatchObject({
      brandId: ann.brandId,
      status: "DRAFT",
      channels: ["EMAIL"],
      timezone: "America/Chicago",
      sendWindows: [],
      stopOnReply: true,
      version: 1,
      launchedAt: null,
    });
  });

  test.each([
    [{ name: "  " }, "name"],
    [{ channels: [] }, "channels"],
    [{ channels: ["EMAIL", "EMAIL"] }, "channels"],
    [{ channels: ["FAX"] }, "channels.0"],
    [{ timezone: "Mars/Base" }, "timezone"],
    [{ sendWindows: [{ days: ["MON"], from: "17:00", to: "09:00" }] }, "sendWindows.0.to"],
    [{ sendWindows: [{ days: ["Monday"], from: "09:00", to: "17:00" }] }, "sendWindows.0.days.0"],
    [{ endAt: "2020-01-01T00:00:00Z" }, "endAt"],
    [{ startAt: "2099-01-02T00:00:00Z", endAt: "2099-01-01T00:00:00Z" }, "endAt"],
    [{ startAt: "tomorrow" }, "startAt"],
  ])("POST with %j answers 422 with the field name", async (wrong, field) => {
    const refused = await ann.request<Answer>("POST", "/api/campaigns", { name: "Plan", ...wrong });
    expect(refused.status).toBe(422);
    expect(refused.body.details?.[0]?.field).toBe(field);
  });

  test("PATCH answers 409 unless the body has the current version, and one of four concurrent updates succeeds", async () => {
    const { id } = await draft();
    const path = `/api/campaigns/${id}`;
    const first = await ann.request<Answer>("PATCH", path, { version: 1, name: "One", endAt: "2099-01-01T00:00:00Z" });
    expect(first.body.campaign).toMatchObject({ version: 2, name: "One", endAt: "2099-01-01T00:00:00.000Z" });
    const stale = await ann.request<Answer>("PATCH", path, { version: 1, name: "Two" });
    expect(stale.status).toBe(409);
    expect(stale.body.version).toBe(2);
    expect((await ann.request("PATCH", path, { name: "Three" })).status).toBe(422);
    const racing = await Promise.all(
      [1, 2, 3, 4].map((n) => ann.request("PATCH", path, { version: 2, name: `N${n}` })),
    );
    expect(racing.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    const cleared = await ann.request<Answer>("PATCH", path, { version: 3, endAt: null });
    expect(cleared.body.campaign.endAt).toBeNull();
  });

  test("PATCH of a running campaign answers 409 for channels and startAt, and updates name, windows, zone, stopOnReply and endAt", async () => {
    const { id } = await draft();
    await become(id, "RUNNING");
    const path = `/api/campaigns/${id}`;
    const window = [{ days: ["MON"], from: "09:00", to: "17:00" }];
    for (const change of [{ channels: ["SMS"] }, { startAt: "2099-01-01T00:00:00Z" }]) {
      expect((await ann.request("PATCH", path, { version: 1, ...change })).status).toBe(409);
    }
    const allowed = {
      name: "X",
      sendWindows: window,
      timezone: "Europe/Paris",
      stopOnReply: false,
      endAt: "2099-01-01T00:00:00Z",
    };
    const changed = await ann.request<Answer>("PATCH", path, { version: 1, ...allowed });
    expect(changed.body.campaign).toMatchObject({ name: "X", sendWindows: window, stopOnReply: false });
  });

  test("DELETE succeeds for a draft or a cancelled campaign without open messages, and answers 409 otherwise", async () => {
    const campaign = await draft();
    const path = `/api/campaigns/${campaign.id}`;
    await addContacts(campaign.id, [{ email: "a@example.com" }]);
    for (const status of ["SCHEDULED", "RUNNING", "PAUSED", "AUTO_PAUSED", "COMPLETED", "ARCHIVED"] as const) {
      await become(campaign.id, status);
      expect((await ann.request("DELETE", path)).status).toBe(409);
    }
    await reach(campaign, 0);
    await become(campaign.id, "CANCELLED");
    expect((await ann.request("DELETE", path)).status).toBe(409);
    const own = eq(messages.campaignId, campaign.id);
    await app.store.write((tx) => tx.update(messages).set({ status: "SENT" }).where(own));
    expect((await ann.request("DELETE", path)).status).toBe(200);
    expect((await ann.request("GET", path)).status).toBe(404);
    expect((await ann.request<Members>("GET", "/api/contacts")).body.data).toHaveLength(1);
    const other = await draft();
    expect((await ann.request("DELETE", `/api/campaigns/${other.id}`)).status).toBe(200);
  });
});

describe("GET /api/campaigns", () => {
  test.each(["createdAt", "name", "launchedAt"])(
    "pages sorted by %s in either order neither repeat nor skip a campaign",
    async (sortBy) => {
      const names = ["beta", "Alpha", "beta", "gamma", "Ärger", "alpha"];
      const ids: string[] = [];
      for (const name of names) ids.push((await draft(ann, { name })).id);
      await become(ids[3] as string, "RUNNING");
      await become(ids[1] as string, "PAUSED");
      const orders: string[][] = [];
      for (const sortOrder of ["asc", "desc"]) {
        const seen: string[] = [];
        for (let cursor: string | null = ""; cursor !== null; ) {
          const query = `limit=2&sortBy=${sortBy}&sortOrder=${sortOrder}&cursor=${cursor}`;
          const page: { body: Answer } = await ann.request<Answer>("GET", `/api/campaigns?${query}`);
          seen.push(...page.body.data.map(({ id }) => id));
          cursor = page.body.nextCursor;
        }
        expect(seen.toSorted()).toEqual(ids.toSorted());
        orders.push(seen);
      }
      expect(orders[1]).toEqual(orders[0]?.toReversed() as string[]);
      if (sortBy === "createdAt") expect(orders[0]).toEqual(ids);
      if (sortBy === "launchedAt")
        expect(orders[1]?.slice(0, 2).toSorted()).toEqual([ids[3], ids[1]].toSorted() as string[]);
    },
  );

  test("filters by status and name, and answers 422 to the cursor of another sort order", async () => {
    const [one, two] = [await draft(ann, { name: "Dentists 100%" }), await draft(ann, { name: "Lawyers" })];
    await become(two.id, "PAUSED");
    const find = async (query: string) => {
      const page = await ann.request<Answer>("GET", `/api/campaigns?${query}`);
      return page.body.data.map(({ id }) => id);
    };
    expect(await find("status=PAUSED")).toEqual([two.id]);
    expect(await find("searchQuery=DENT")).toEqual([one.id]);
    expect(await find("searchQuery=100%25")).toEqual([one.id]);
    expect((await ann.request("GET", "/api/campaigns?status=GONE")).status).toBe(422);
    const byName = (await ann.request<Answer>("GET", "/api/campaigns?limit=1&sortBy=name")).body.nextCursor;
    expect((await ann.request("GET", `/api/campaigns?sortBy=createdAt&cursor=${byName}`)).status).toBe(422);
  });
});

describe("/api/campaigns/:id/steps", () => {
  const put = (id: string, steps: object[], more: object = {}) =>
    ann.request<Answer>("PUT", `/api/campaigns/${id}/steps`, { steps, ...more });

  test("PUT replaces all steps, and GET returns the new steps with message counts", async () => {
    const { id } = await draft();
    const set = await put(id, [followUp, opening]);
    expect(set.status).toBe(200);
    expect(set.body.version).toBe(2);
    const read = await ann.request<Answer>("GET", `/api/campaigns/${id}/steps`);
    expect(read.body.steps).toMatchObject([
      { ...opening, counts: { PENDING: 0, SENT: 0, CANCELLED: 0, FAILED: 0 } },
      { ...followUp, subject: null },
    ]);
    await put(id, [{ ...opening, delay: { value: 48, unit: "HOURS" } }]);
    const again = await ann.request<Answer>("GET", `/api/campaigns/${id}/steps`);
    expect(again.body.steps).toHaveLength(1);
    expect(again.body.steps[0]?.delay).toEqual({ value: 2, unit: "DAYS" });
    expect((await put(id, [opening], { version: 1 })).status).toBe(409);
  });

  test.each([
    [[{ ...opening, stage: 1 }], "steps.0.stage"],
    [[opening, { ...followUp, stage: 2 }], "steps.1.stage"],
    [[opening, { ...opening }], "steps.1.stage"],
    [[{ ...opening, subject: " " }], "steps.0.subject"],
    [[{ ...opening, subject: undefined }], "steps.0.subject"],
    [[{ ...opening, body: "{{ firstName | nope }}" }], "steps.0.body"],
    [[{ ...opening, body: "{% include 'x' %}" }], "steps.0.body"],
    [[{ ...opening, subject: "{{ open" }], "steps.0.subject"],
    [[{ ...opening, channel: "SMS" }], "steps.0.channel"],
    [[{ ...opening, delay: { value: 366, unit: "DAYS" } }], "steps.0.delay.value"],
    [[{ ...opening, delay: { value: 1, unit: "WEEKS" } }], "steps.0.delay.unit"],
    [[], "steps"],
  ])("PUT with %j answers 422 with the field name", async (steps, field) => {
    const { id } = await draft();
    const refused = await put(id, steps);
    expect(refused.status).toBe(422);
    expect(refused.body.details?.[0]?.field).toBe(field);
  });

  test("PUT accepts only the campaign's channels, and only channels that the installation can send", async () => {
    const { id } = await draft(ann, { channels: ["SMS", "EMAIL"] });
    const sms = { stage: 0, channel: "SMS", delay: { value: 0, unit: "MINUTES" }, body: "Hi" };
    expect((await put(id, [sms, { ...followUp, subject: "First mail" }])).status).toBe(200);
    // The first e-mail needs a subject although it is a follow-up: there is no thread to reply in.
    expect((await put(id, [sms, followUp])).status).toBe(422);
    expect((await ann.request("PATCH", `/api/campaigns/${id}`, { version: 2, channels: ["EMAIL"] })).status).toBe(422);

    const live = await startApp();
    try {
      const owner = await createBrandOwner(live, "ann");
      const plan = { name: "x", channels: ["SMS"] };
      const made = await owner.request<Answer>("POST", "/api/campaigns", plan);
      const refused = await owner.request<Answer>("PUT", `/api/campaigns/${made.body.campaign.id}/steps`, {
        steps: [sms],
      });
      expect(refused.status).toBe(422);
      expect(refused.body.message).toContain("is not available");
    } finally {
      await live.close();
    }
  });

  test("PUT on a running campaign answers 409 for steps with messages, and updates steps without messages", async () => {
    const campaign = await draft();
    const last = { ...followUp, stage: 2 };
    await put(campaign.id, [opening, followUp, last]);
    await addContacts(campaign.id, [{ email: "a@example.com" }]);
    await become(campaign.id, "RUNNING");
    await reach(campaign, 0);
    await reach(campaign, 1);
    for (const steps of [
      [opening, { ...followUp, body: "New" }, last],
      [{ ...opening, delay: { value: 1, unit: "DAYS" } }, followUp, last],
      [opening],
    ]) {
      const refused = await put(campaign.id, steps);
      expect(refused.status).toBe(409);
      expect(refused.body.stage).toBe(steps[0]?.delay.value === 1 ? 0 : 1);
    }
    const allowed = [
      [opening, followUp, { ...last, body: "New" }],
      [opening, followUp],
      [opening, followUp, last, { ...followUp, stage: 3 }],
    ];
    for (const steps of allowed) expect((await put(campaign.id, steps)).status).toBe(200);
    const read = await ann.request<Answer>("GET", `/api/campaigns/${campaign.id}/steps`);
    expect(read.body.steps.map(({ counts }) => counts)).toMatchObject([
      { PENDING: 1 },
      { PENDING: 1 },
      { PENDING: 0 },
      {},
    ]);
    await become(campaign.id, "COMPLETED");
    expect((await put(campaign.id, [opening, followUp])).status).toBe(409);
  });
});

describe("/api/campaigns/:id/senders", () => {
  async function mailbox(owner: BrandOwner, email: string): Promise<string> {
    const order = { email, host: "smtp.example.com", port: 587, security: "STARTTLS" };
    return (await owner.request<Answer>("POST", "/api/email-accounts", order)).body.emailAccount.id;
  }

  test("PUT accepts mailboxes of the campaign's brand, and answers 404 with the ids of foreign or unknown mailboxes", async () => {
    const { id } = await draft();
    const path = `/api/campaigns/${id}/senders`;
    const [one, two] = [await mailbox(ann, `one${brands}@n.example`), await mailbox(ann, `two${brands}@n.example`)];
    const foreign = await mailbox(bob, `bob${brands}@n.example`);
    const set = await ann.request<Answer>("PUT", path, { emailAccountIds: [two, one, two] });
    expect(set.body.emailAccounts.map((account) => account.id)).toEqual([one, two]);
    const refused = await ann.request<Answer>("PUT", path, { emailAccountIds: [one, foreign, "nowhere"] });
    expect(refused.status).toBe(404);
    expect(refused.body.unknownIds).toEqual([foreign, "nowhere"]);
    expect((await ann.request<Answer>("GET", path)).body.emailAccounts).toHaveLength(2);
    expect((await ann.request("DELETE", `/api/email-accounts/${one}`)).status).toBe(200);
    expect((await ann.request<Answer>("GET", path)).body.emailAccounts.map((account) => account.id)).toEqual([two]);
    expect((await ann.request<Answer>("PUT", path, { emailAccountIds: [] })).body.emailAccounts).toEqual([]);
  });
});

describe("/api/campaigns/:id/contacts", () => {
  test("add-contacts adds, updates or skips each row, with a code for each skipped row", async () => {
    const { id } = await draft();
    await ann.request("PUT", `/api/campaigns/${id}/steps`, { steps: [opening] });
    await app.store.write((tx) =>
      tx
        .insert(bans)
        .values({ id: tx.newId(), scope: ann.brandId, email: "no@example.com", source: "MANUAL", createdAt: tx.now }),
    );
    const rows = [
      { email: "a@example.com" },
      { email: "A@example.com" },
      { email: "no@example.com" },
      { email: "x" },
      {},
      { phone: "202-555-0143" },
    ];
    const answer = await addContacts(id, rows);
    expect(answer.body).toMatchObject({ added: 1, updated: 0, enrolled: 1 });
    expect(answer.body.skipped.map(({ index, code }) => [index, code])).toEqual([
      [1, "DUPLICATE"],
      [2, "BANNED"],
      [3, "BAD_EMAIL"],
      [4, "NO_ADDRESS"],
      [5, "BAD_PHONE"],
    ]);
    expect((await addContacts(id, [{ phone: "202-555-0143" }], { defaultCountry: "US" })).body.added).toBe(1);
    expect((await addContacts(id, [{ email: "b@example.com", timezone: "Mars/Base" }])).body.details?.[0]?.field).toBe(
      "contacts.0.timezone",
    );
    expect((await addContacts(id, [{ email: "b@example.com", custom: { "a b": "x" } }])).status).toBe(422);
    expect((await addContacts(id, [{ email: "b@example.com", custom: { a: 1 } }])).body.details?.[0]?.field).toBe(
      "contacts.0.custom.a",
    );
    expect((await addContacts(id, Array(1001).fill({ email: "b@example.com" }))).status).toBe(422);
    expect((await addContacts(id, [])).status).toBe(422);
    expect(await scheduledConversations(id)).toEqual([]);
  });

  test("add-contacts enrols known contacts unchanged or updated, and enrols no member twice", async () => {
    const [one, two] = [await draft(), await draft()];
    await addContacts(one.id, [{ email: "a@example.com" }, { email: "b@example.com" }]);
    const rows = [{ email: "a@example.com", company: "New" }];
    expect((await addContacts(two.id, rows)).body).toMatchObject({ added: 1, updated: 0, enrolled: 1, skipped: [] });
    const again = await addContacts(two.id, rows, { onDuplicate: "UPDATE" });
    expect(again.body).toMatchObject({ added: 0, updated: 1, enrolled: 0, skipped: [] });
    const joined = await addContacts(two.id, [{ email: "b@example.com", company: "New" }], { onDuplicate: "UPDATE" });
    expect(joined.body).toMatchObject({ added: 0, updated: 1, enrolled: 1, skipped: [] });
  });

  test("add-contacts skips contacts active in another running campaign unless allowActiveElsewhere is set", async () => {
    const [busy, next] = [await draft(), await draft()];
    await addContacts(busy.id, [{ email: "a@example.com" }, { email: "q@example.com" }]);
    const member = and(eq(conversations.campaignId, busy.id));
    const [first] = await app.store.read.select().from(conversations).where(member).orderBy(conversations.id);
    await app.store.write((tx) =>
      tx
        .update(conversations)
        .set({ status: "ACTIVE" })
        .where(eq(conversations.id, first?.id ?? "")),
    );
    const rows = [{ email: "a@example.com" }, { email: "q@example.com" }];
    await become(busy.id, "PAUSED");
    expect((await addContacts((await draft()).id, rows)).body.added).toBe(2);
    await become(busy.id, "RUNNING");
    const answer = await addContacts(next.id, rows);
    expect(answer.body.added).toBe(1);
    expect(answer.body.skipped).toMatchObject([{ index: 0, code: "ACTIVE_ELSEWHERE" }]);
    expect((await addContacts(next.id, rows, { allowActiveElsewhere: true })).body).toMatchObject({
      added: 1,
      skipped: [{ index: 1, code: "DUPLICATE" }],
    });
  });

  test("add-contacts answers 409 unless the status allows new contacts, and schedules contacts added after launch", async () => {
    const { id } = await draft();
    await ann.request("PUT", `/api/campaigns/${id}/steps`, { steps: [opening] });
    for (const status of ["AUTO_PAUSED", "COMPLETED", "CANCELLED", "ARCHIVED"] as const) {
      await become(id, status);
      expect((await addContacts(id, [{ email: "a@example.com" }])).status).toBe(409);
    }
    let expected = 0;
    for (const status of ["SCHEDULED", "RUNNING", "PAUSED"] as const) {
      await become(id, status);
      const rows = [
        { email: `${status}1@example.com` },
        { email: `${status}2@example.com` },
        { email: `${status}1@example.com` },
      ];
      expect((await addContacts(id, rows)).body.enrolled).toBe(2);
      expected += 2;
      expect(await scheduledConversations(id)).toHaveLength(expected);
    }
    const all = await app.store.read.select().from(conversations).where(eq(conversations.campaignId, id));
    expect(await scheduledConversations(id)).toEqual(all.map((row) => row.id).sort());
  });

  test("concurrent add-contacts requests enrol each contact once", async () => {
    const { id } = await draft();
    const rows = Array.from({ length: 100 }, (_, n) => ({ email: `p${n}@example.com` }));
    const answers = await Promise.all([
      addContacts(id, rows),
      addContacts(id, rows.toReversed()),
      addContacts(id, rows),
    ]);
    expect(answers.map(({ body }) => body.enrolled).reduce((sum, count) => sum + count, 0)).toBe(100);
  });

  test("GET filters by status and search text, and pages by cursor", async () => {
    const { id } = await draft();
    await addContacts(
      id,
      Array.from({ length: 7 }, (_, n) => ({ email: `p${n}@example.com`, company: n % 2 ? "Odd" : "Even" })),
    );
    const path = `/api/campaigns/${id}/contacts`;
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page: { body: Members } = await ann.request<Members>(
        "GET",
        `${path}?limit=3&status=QUEUED&cursor=${cursor}`,
      );
      seen.push(...page.body.data.map(({ contact }) => contact.email));
      cursor = page.body.nextCursor;
    }
    expect(seen).toEqual(Array.from({ length: 7 }, (_, n) => `p${n}@example.com`));
    expect((await ann.request<Members>("GET", `${path}?searchQuery=odd`)).body.data).toHaveLength(3);
    expect((await ann.request<Members>("GET", `${path}?status=ACTIVE`)).body.data).toHaveLength(0);
  });
});

describe("POST /api/campaigns/:id/preview-message", () => {
  interface Shown {
    subject: string | null;
    text: string;
    html: string | null;
    segments: number | null;
    missingVariables: string[];
  }

  test("renders a step for a contact of the brand or for sample data, and answers 404 for an unknown step or a foreign contact", async () => {
    const { id } = await draft(ann, { channels: ["EMAIL", "SMS"] });
    const sms = { stage: 2, channel: "SMS", delay: { value: 1, unit: "DAYS" }, body: "Hi {{ custom.city }}" };
    await ann.request("PUT", `/api/campaigns/${id}/steps`, { steps: [opening, followUp, sms] });
    await addContacts(id, [{ email: "a@example.com", firstName: "Jo", custom: { city: "Ulm" } }]);
    const [member] = (await ann.request<Members>("GET", `/api/campaigns/${id}/contacts`)).body.data;
    const path = `/api/campaigns/${id}/preview-message`;
    const show = async (order: object) => (await ann.request<Shown>("POST", path, order)).body;

    const first = await show({ stage: 0, contactId: member?.contact.id });
    expect(first).toMatchObject({ subject: "Hello Jo", html: null, segments: null, missingVariables: [] });
    expect(first.text).toStartWith("Hi Jo");
    expect(first.text).toContain("Unsubscribe: ");
    expect(first.text).not.toContain(member?.conversationId as string);
    expect(await show({ stage: 1, sample: { firstName: "Kim" } })).toMatchObject({ subject: "Re: Hello Kim" });
    expect((await show({ stage: 0 })).missingVariables).toEqual(["firstName"]);
    expect(await show({ stage: 2, contactId: member?.contact.id })).toMatchObject({
      subject: null,
      text: "Hi Ulm",
      segments: 1,
    });
    expect((await ann.request("POST", path, { stage: 3 })).status).toBe(404);

    const foreign = await bob.request<{ contact: { id: string } }>("POST", "/api/contacts", { email: "b@example.com" });
    expect((await ann.request("POST", path, { stage: 0, contactId: foreign.body.contact.id })).status).toBe(404);
  });
});

test("/api/campaigns: other owners get 403 or 404, requests without a session 401, and an admin has access", async () => {
  const { id } = await draft();
  const path = `/api/campaigns/${id}`;
  const requests = [
    ["GET", path],
    ["PATCH", path, { version: 1, name: "Mine" }],
    ["DELETE", path],
    ["GET", `${path}/steps`],
    ["PUT", `${path}/steps`, { steps: [opening] }],
    ["GET", `${path}/senders`],
    ["PUT", `${path}/senders`, { emailAccountIds: [] }],
    ["POST", `${path}/add-contacts`, { contacts: [{ email: "a@example.com" }] }],
    ["GET", `${path}/contacts`],
    ["POST", `${path}/preview-message`, { stage: 0 }],
  ] as const;
  const admin = requestAs(app, await app.admin());
  for (const [method, to, body] of requests) {
    expect([method, to, (await bob.request(method, to, body)).status]).toEqual([method, to, 404]);
    expect((await app.request(method, to, { body })).status).toBe(401);
  }
  expect((await bob.request<Answer>("GET", "/api/campaigns")).body.data).toEqual([]);
  expect((await bob.request("GET", `/api/campaigns?brandId=${ann.brandId}`)).status).toBe(403);
  expect((await bob.request("POST", "/api/campaigns", { name: "x", brandId: ann.brandId })).status).toBe(403);
  expect((await admin("GET", path)).status).toBe(200);
  expect((await admin<Answer>("GET", `/api/campaigns?brandId=${ann.brandId}`)).body.data).toHaveLength(1);
  expect((await admin("POST", "/api/campaigns", { name: "x", brandId: "nowhere" })).status).toBe(404);
  expect((await admin("POST", "/api/campaigns", { name: "x", brandId: ann.brandId })).status).toBe(200);
});

test("/api/campaigns: invalid input never causes a 500", async () => {
  const { id } = await draft();
  const path = `/api/campaigns/${id}`;
  const window = { days: ["MON"], from: "09:00", to: "17:00" };
  const plan = {
    name: "x",
    channels: ["EMAIL"],
    timezone: "UTC",
    sendWindows: [window],
    startAt: "2099-01-01T00:00:00Z",
    endAt: "2099-02-01T00:00:00Z",
    stopOnReply: true,
  };
  const person = {
    email: "n@example.com",
    phone: "+12025550143",
    firstName: "x",
    timezone: "UTC",
    custom: { city: "Ulm" },
  };
  await fuzzEndpoint(ann, "POST", "/api/campaigns", plan);
  await fuzzEndpoint(ann, "PATCH", path, { ...plan, version: 1 });
  await fuzzEndpoint(ann, "PUT", `${path}/steps`, { steps: [opening], version: 1 });
  await fuzzEndpoint(ann, "PUT", `${path}/senders`, { emailAccountIds: ["x"] });
  await fuzzEndpoint(ann, "POST", `${path}/add-contacts`, {
    contacts: [person],
    onDuplicate: "SKIP",
    allowActiveElsewhere: true,
    defaultCountry: "US",
  });
  await fuzzEndpoint(ann, "POST", `${path}/preview-message`, { stage: 0, contactId: "x", sample: person });
  for (const to of ["/api/campaigns", path, `${path}/steps`, `${path}/senders`, `${path}/contacts`])
    await fuzzEndpoint(ann, "GET", to);
  await fuzzEndpoint(bob, "DELETE", path);
}, 120_000);
