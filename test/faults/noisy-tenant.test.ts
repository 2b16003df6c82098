import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { dialect } from "../../src/db/dialect.ts";
import { VirtualClock } from "../../src/lib/clock.ts";
import { type ApiClient, createApiClientOver } from "../support/api-client.ts";
import { startApp, type TestApp } from "../support/app.ts";
import { encodeImage, flag, paint, RED } from "../support/pictures.ts";

// Attack other tenants over HTTP against the whole app, without knowledge of its internals.

setDefaultTimeout(60_000);

let app: TestApp;
let client: ApiClient;
let url: string;
let logins = 0;
let answer: { ok: true } | { ok: false; reason: string } = { ok: false, reason: "refused" };
const clock = new VirtualClock(Date.UTC(2026, 10, 23, 9));

beforeAll(async () => {
  app = await startApp({
    clock,
    config: {
      allowPrivateSmtp: true,
      chargebee: { webhook: { user: "chargebee", password: "let me in" }, site: null, catalog: new Map() },
    },
    deps: {
      verifyMailbox: async () => {
        logins++;
        return answer;
      },
    },
  });
  url = app.listen();
  client = createApiClientOver(
    (path, sent) => fetch(`${url}${path}`, sent),
    () => "10.9.9.9",
  );
});
afterAll(() => app.close());

async function tenant(name: string): Promise<{ token: string; campaignId: string }> {
  const token = await app.signUp(`${name}@owners.example`);
  await client.api("POST", "/api/brands", { token, body: { name } });
  const made = await client.api<{ campaign: { id: string } }>("POST", "/api/campaigns", { token, body: { name: "C" } });
  return { token, campaignId: made.body.campaign.id };
}

/** Counts the responses per status. */
function tally(statuses: readonly number[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

const mailbox = (n: number, more: object = {}) => ({
  email: `guess${n}@victim.example`,
  host: "127.0.0.1",
  port: 2525,
  security: "NONE",
  username: "ceo@victim.example",
  password: `guess ${n}`,
  ...more,
});

test("mailbox logins: of 200 password guesses five reach the mail server in a minute and 50 in a day", async () => {
  const { token } = await tenant("guesser");
  const guess = (n: number) => client.api("POST", "/api/email-accounts", { token, body: mailbox(n) });
  const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => guess(n)));
  expect(tally(answers.map(({ status }) => status))).toEqual({ 422: 5, 429: 195 });
  expect(logins).toBe(5);
  const refused = await guess(200);
  expect(refused.headers.get("retry-after")).toBe("12");
  expect(refused.body.message).toContain("mailboxLoginsPerMinute is 5 in 60 seconds; try again in 12 seconds");

  for (let minute = 1; minute < 20; minute++) {
    clock.advance(60_000);
    for (let n = 0; n < 8; n++) await guess(1000 * minute + n);
  }
  expect(logins).toBe(50);
  clock.advance(60_000);
  expect((await guess(1)).body.message).toContain("mailboxLoginsPerDay is 50");
});

test("mailbox logins: changes of a login and failing connection tests count like new mailboxes", async () => {
  const { token } = await tenant("changer");
  logins = 0;
  const body = mailbox(1, { email: "own@changer.example", username: "own@changer.example", allowUnverified: true });
  const made = await client.api<{ emailAccount: { id: string } }>("POST", "/api/email-accounts", { token, body });
  expect(made.status).toBe(200);
  const path = `/api/email-accounts/${made.body.emailAccount.id}`;
  for (let n = 0; n < 20; n++) {
    await client.api("PATCH", path, { token, body: { password: `other ${n}` } });
    await client.api("POST", `${path}/test-connection`, { token });
  }
  expect(logins).toBe(5);
});

test("mailbox logins: a brand with correct passwords may add any number of mailboxes", async () => {
  const { token } = await tenant("agency");
  answer = { ok: true };
  const add = async (n: number) => {
    const own = { email: `box${n}@agency.example`, username: `box${n}@agency.example` };
    return (await client.api("POST", "/api/email-accounts", { token, body: mailbox(n, own) })).status;
  };
  expect(tally(await Promise.all(Array.from({ length: 40 }, (_, n) => add(n))))).toEqual({ 200: 40 });
  for (let n = 40; n < 80; n++) expect(await add(n)).toBe(200);
  answer = { ok: false, reason: "refused" };
});

test("contact imports: of 20 concurrent imports ten are accepted and the others answer 429 with Retry-After", async () => {
  const { token, campaignId } = await tenant("importer");
  const file = `email\n${Array.from({ length: 3000 }, (_, n) => `p${n}@x.example`).join("\n")}\n`;
  const send = () => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "text/csv" };
    return fetch(`${url}/api/campaigns/${campaignId}/import-contacts`, { method: "POST", headers, body: file });
  };
  const answers = await Promise.all(Array.from({ length: 20 }, send));
  expect(tally(answers.map(({ status }) => status))).toEqual({ 202: 10, 429: 10 });
  const refused = answers.find(({ status }) => status === 429);
  expect(refused?.headers.get("retry-after")).toBe("30");
});

test("Chargebee webhook: of 100 wrong passwords ten answer 401 and the others 429, and the right one is always accepted", async () => {
  const show = (password: string) => {
    const authorization = `Basic ${Buffer.from(`chargebee:${password}`).toString("base64")}`;
    return client.api("POST", "/api/webhooks/chargebee", { body: { id: "ev" }, headers: { authorization } });
  };
  const wrong = await Promise.all(Array.from({ length: 100 }, (_, n) => show(`wrong ${n}`)));
  expect(tally(wrong.map(({ status }) => status))).toEqual({ 401: 10, 429: 90 });
  expect(Number(wrong.at(-1)?.headers.get("retry-after"))).toBe(6);
  // The password is accepted; the body is no event and answers 400.
  expect((await show("let me in")).status).toBe(400);
});

test("profile images: a small image waits for few large ones of another tenant, not for all of them", async () => {
  const large = await encodeImage(
    "jpeg",
    paint(2000, 1500, () => RED),
  );
  const [greedy, other] = [await tenant("greedy"), await tenant("painter")];
  const done: string[] = [];
  const send = async (name: string, token: string, picture: Uint8Array) => {
    const form = new FormData();
    form.append("file", new Blob([picture as Uint8Array<ArrayBuffer>]), "a.jpg");
    const headers = { authorization: `Bearer ${token}` };
    const { status } = await fetch(`${url}/api/auth/upload-profile-image`, { method: "POST", headers, body: form });
    if (status === 200) done.push(name);
    return status;
  };
  const all = Array.from({ length: 40 }, () => send("large", greedy.token, large));
  await Bun.sleep(50);
  all.push(send("small", other.token, flag));
  const statuses = await Promise.all(all);
  expect(statuses.at(-1)).toBe(200);
  // One image is being redrawn when the small one arrives, and one more may come before it.
  expect(done.indexOf("small")).toBeLessThan(5);
  expect(tally(statuses.slice(0, -1))[429]).toBeGreaterThan(20);
});

test("rate limit: a flooding client is refused with 429 and RateLimit headers, and other clients are served", async () => {
  const [flood, calm] = [await tenant("flood"), await tenant("calm")];
  const list = (token: string) => client.api("GET", "/api/brands", { token });
  const statuses: number[] = [];
  for (let n = 0; n < 70; n++) {
    const answers = await Promise.all(Array.from({ length: 100 }, () => list(flood.token)));
    statuses.push(...answers.map(({ status }) => status));
  }
  expect(tally(statuses)).toEqual({ 200: 6000, 429: 1000 });
  const refused = await list(flood.token);
  expect(refused.status).toBe(429);
  // Several processes share a limit in leases of a twentieth, so a token is available again after three seconds.
  const seconds = dialect === "sqlite" ? 1 : 3;
  expect(refused.headers.get("retry-after")).toBe(String(seconds));
  expect(refused.headers.get("ratelimit-policy")).toBe('"read";q=6000;w=60');
  expect(refused.headers.get("ratelimit")).toBe('"read";r=0;t=60');
  expect(refused.body.message).toContain(
    `the limit readsPerMinute is 6000 in 60 seconds; try again in ${seconds} second`,
  );
  expect((await list(calm.token)).status).toBe(200);
  clock.advance(1000 * seconds);
  expect((await list(flood.token)).status).toBe(200);
});

test("fair share: of 100 simultaneous requests of one brand a few are answered while another brand sends ten in sequence", async () => {
  const [flood, calm] = [await tenant("many"), await tenant("single")];
  const list = (token: string) => client.api("GET", "/api/contacts?limit=100", { token });
  expect((await list(calm.token)).status).toBe(200);
  let answered = 0;
  const all = Array.from({ length: 100 }, async () => {
    const { status } = await list(flood.token);
    answered++;
    return status;
  });
  for (let n = 0; n < 10; n++) expect((await list(calm.token)).status).toBe(200);
  expect(answered).toBeLessThan(80);
  expect(tally(await Promise.all(all))).toEqual({ 200: 100 });
});
