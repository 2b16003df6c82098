import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { MINUTE, VirtualClock } from "../../../src/lib/clock.ts";
import { createApp } from "../../../src/server/app.ts";
import { type ApiClient, createApiClientOver } from "../../support/api-client.ts";
import { startApp, type TestApp } from "../../support/app.ts";

setDefaultTimeout(60_000);

interface Shown {
  name: string;
  limit: number;
  used: number | null;
  remaining: number | null;
  default: number;
  brandValue: number | null;
  platformValue: number | null;
  changedBy: string | null;
  changedAt: string | null;
}
interface Answer {
  limits: Shown[];
  message: string;
  brand: { id: string };
  campaign: { id: string };
}

const clock = new VirtualClock(Date.UTC(2026, 10, 23, 9));
let app: TestApp;
let stop: () => Promise<unknown>;
let client: ApiClient;
let admin: string;
let brands = 0;

async function serve(): Promise<{ client: ApiClient; stop(): Promise<unknown> }> {
  const whole = createApp(app.deps, app.identity).listen({ port: 0, hostname: "127.0.0.1" });
  const url = `http://127.0.0.1:${whole.server?.port}`;
  return {
    client: createApiClientOver(
      (path, sent) => fetch(`${url}${path}`, sent),
      () => "10.9.9.9",
    ),
    stop: () => whole.stop(true),
  };
}

beforeAll(async () => {
  const verifyMailbox = async () => ({ ok: false as const, reason: "refused" });
  app = await startApp({ clock, config: { allowPrivateSmtp: true }, deps: { verifyMailbox } });
  ({ client, stop } = await serve());
  admin = await app.admin();
});
afterAll(async () => {
  await stop();
  await app.close();
});

async function owner() {
  const token = await app.signUp(`owner${++brands}@owners.example`);
  const { body } = await client.api<Answer>("POST", "/api/brands", { token, body: { name: "B" } });
  const api = (method: string, path: string, body?: object) =>
    client.api<Answer>(method, path, body === undefined ? { token } : { token, body });
  return { token, brandId: body.brand.id, api };
}

const update = (body: object) => client.api<Answer>("POST", "/api/auth/admin/update-limits", { token: admin, body });
const of = (answer: { body: Answer }, name: string) => answer.body.limits.find((limit) => limit.name === name);

test("RateLimit headers: responses to a signed-in user state the policy and what is left, others have none", async () => {
  const { api } = await owner();
  const first = await api("GET", "/api/brands");
  expect(first.headers.get("ratelimit-policy")).toBe('"read";q=6000;w=60');
  expect(first.headers.get("ratelimit")).toBe('"read";r=5999;t=1');
  const second = await api("GET", "/api/brands/none");
  expect([second.status, second.headers.get("ratelimit")]).toEqual([404, '"read";r=5998;t=1']);
  const wrong = await api("POST", "/api/contacts", { nothing: true });
  expect([wrong.status, wrong.headers.get("ratelimit-policy")]).toEqual([422, '"write";q=3000;w=60']);
  clock.advance(MINUTE);
  expect((await api("GET", "/api/brands")).headers.get("ratelimit")).toBe('"read";r=5999;t=1');
  const stranger = await client.api("GET", "/api/health");
  expect(stranger.headers.get("ratelimit")).toBeNull();
});

test("update-limits: an admin sets and resets limits of a brand and of the platform, with author and time shown", async () => {
  const [ann, bob] = [await owner(), await owner()];
  const set = await update({ brandId: ann.brandId, limits: { campaigns: 1, readsPerMinute: 50 } });
  expect(set.status).toBe(200);
  expect(of(set, "campaigns")).toMatchObject({
    limit: 1,
    default: 20_000,
    brandValue: 1,
    platformValue: null,
    used: 0,
  });
  expect((await ann.api("POST", "/api/campaigns", { name: "One" })).status).toBe(200);
  const refused = await ann.api("POST", "/api/campaigns", { name: "Two" });
  expect(refused.status).toBe(409);
  expect(refused.body.message).toBe(
    "The limit campaigns is reached: 1 (Campaigns). Delete some, or ask an admin for more",
  );
  expect((await bob.api("POST", "/api/campaigns", { name: "One" })).status).toBe(200);
  expect((await ann.api("GET", "/api/brands")).headers.get("ratelimit-policy")).toBe('"read";q=50;w=60');
  expect((await bob.api("GET", "/api/brands")).headers.get("ratelimit-policy")).toBe('"read";q=6000;w=60');

  const own = await ann.api("GET", "/api/limits");
  expect(of(own, "campaigns")).toMatchObject({ limit: 1, used: 1, remaining: 0 });
  expect(of(own, "readsPerMinute")).toMatchObject({ limit: 50, used: null, remaining: null });
  expect(of(own, "campaigns")).not.toHaveProperty("changedBy");

  await update({ limits: { campaigns: 5 } });
  expect(of(await bob.api("GET", "/api/limits"), "campaigns")?.limit).toBe(5);
  expect(of(await ann.api("GET", "/api/limits"), "campaigns")?.limit).toBe(1);
  await update({ brandId: ann.brandId, limits: { campaigns: null } });
  const listed = await client.api<Answer>("GET", `/api/auth/admin/limits?brandId=${ann.brandId}`, { token: admin });
  expect(of(listed, "campaigns")).toMatchObject({ limit: 5, brandValue: null, platformValue: 5 });
  expect(of(listed, "campaigns")?.changedBy).toBeString();
  expect(Date.parse(of(listed, "campaigns")?.changedAt ?? "")).toBe(clock.now());
  await update({ limits: { campaigns: null } });
});

test("update-limits: an unknown limit and a value out of range answer 422 with the name of the limit", async () => {
  const { brandId, api } = await owner();
  for (const [limits, expected] of [
    [{ contacs: 1 }, "limits.contacs: expected one of"],
    [{ readsPerMinute: 0 }, "limits.readsPerMinute: expected a whole number from 1 to 1000000"],
    [{ importsOfAllBrands: 1 }, "is a limit of the platform"],
    [{ constructor: 1 }, "limits.constructor: expected one of"],
  ] as const) {
    const answer = await update({ brandId, limits });
    expect(answer.status).toBe(422);
    expect(answer.body.message).toContain(expected);
  }
  expect((await update({ brandId: "none", limits: { contacts: 1 } })).status).toBe(404);
  expect((await update({ limits: {} })).status).toBe(422);
  expect((await api("POST", "/api/auth/admin/update-limits", { limits: { contacts: 1 } })).status).toBe(403);
});

test("rate limits: a user whose writes are used up may still read", async () => {
  const { brandId, api } = await owner();
  await update({ brandId, limits: { writesPerMinute: 3 } });
  const statuses = [];
  for (let n = 0; n < 5; n++) statuses.push((await api("POST", "/api/campaigns", { name: `C${n}` })).status);
  expect(statuses).toEqual([200, 200, 200, 429, 429]);
  expect((await api("GET", "/api/campaigns")).status).toBe(200);
  clock.advance(MINUTE / 3);
  expect((await api("POST", "/api/campaigns", { name: "D" })).status).toBe(200);
});

test("mailbox logins: failed logins stay counted across restarts", async () => {
  const { api, token } = await owner();
  const body = {
    email: "x@victim.example",
    host: "127.0.0.1",
    port: 2525,
    security: "NONE",
    username: "x",
    password: "y",
  };
  for (let n = 0; n < 5; n++) expect((await api("POST", "/api/email-accounts", body)).status).toBe(422);
  const again = await serve();
  const answer = await again.client.api<Answer>("POST", "/api/email-accounts", { token, body });
  expect(answer.status).toBe(429);
  await again.stop();
});

test("mailbox logins: guesses of several brands at one mailbox are limited together, after each brand had its share", async () => {
  clock.advance(MINUTE);
  const statuses: number[] = [];
  const target = { host: "127.0.0.1", port: 2525, security: "NONE", username: "ceo@target.example", password: "guess" };
  for (let n = 0; n < 3; n++) {
    const { api } = await owner();
    for (let guess = 0; guess < 5; guess++) {
      statuses.push(
        (await api("POST", "/api/email-accounts", { ...target, email: `g${n}.${guess}@x.example` })).status,
      );
    }
  }
  expect(statuses).toEqual([...Array(10).fill(422), ...Array(5).fill(429)]);
});

test("limits: the requests of a normal brand meet no limit (polling console, bursts, imports, contacts)", async () => {
  const { api, token } = await owner();
  const statuses = new Map<string, number>();
  const note = ({ status }: { status: number }) =>
    statuses.set(String(status), (statuses.get(String(status)) ?? 0) + 1);
  const campaignId = (await api("POST", "/api/campaigns", { name: "C" })).body.campaign.id;
  for (let second = 0; second < 90; second++) {
    const polled = [
      "/api/campaigns",
      `/api/campaigns/${campaignId}/stats`,
      "/api/credits",
      "/api/campaigns/conversations",
    ];
    const burst = second % 60 < 10 ? Array.from({ length: 100 }, () => `/api/contacts?limit=20`) : [];
    const answers = await Promise.all([...polled, ...burst].map((path) => api("GET", path)));
    for (const answer of answers) note(answer);
    note(await api("GET", `/api/campaigns/${campaignId}/launch-cost`));
    note(await api("POST", "/api/contacts", { email: `s${second}@x.example` }));
    if (second % 30 === 0) {
      const rows = Array.from({ length: 1000 }, (_, n) => `i${second}.${n}@x.example`);
      const path = `/api/campaigns/${campaignId}/import-contacts`;
      const headers = { "content-type": "text/csv" };
      const sent = await client.api("POST", path, { token, headers, body: `email\n${rows.join("\n")}\n` });
      expect(sent.status).toBe(202);
    }
    clock.advance(1000);
  }
  expect([...statuses.keys()]).toEqual(["200"]);
});
