import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { createSmtpChannel } from "../../../src/channels/email/smtp.ts";
import { messages } from "../../../src/db/schema/messages.ts";
import { emailAccounts } from "../../../src/db/schema/senders.ts";
import { HOUR, MINUTE, VirtualClock } from "../../../src/lib/clock.ts";
import { createEngine, type Engine } from "../../../src/modules/delivery/engine.ts";
import { launchSeededCampaign } from "../../../src/simulator/seed.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { type CampaignFixture, createCampaignFixture } from "../../support/campaign-fixture.ts";
import { loadCertificate, startSmtpServer, type TestSmtpServer } from "../../support/servers/smtp-server.ts";
import { startTokenServer, type TokenServer } from "../../support/servers/token-server.ts";

setDefaultTimeout(30_000);

const PATH = "/api/email-accounts";

interface One {
  message: string;
  details?: { field: string }[];
  connected: boolean;
  emailAccount: Record<string, unknown> & { id: string };
}

const clock = new VirtualClock(Date.UTC(2026, 10, 23, 9));
let google: TokenServer;
let server: TestSmtpServer;
let app: TestApp;
let engine: Engine;
let count = 0;
const responseTexts: string[] = [];

beforeAll(async () => {
  google = startTokenServer();
  const tokens = { valid: google.valid };
  server = await startSmtpServer({ security: "TLS", tokens });
  const channel = createSmtpChannel({
    allowPrivateHosts: false,
    authorities: [loadCertificate("localhost")],
    idleMilliseconds: 20,
    gmail: { host: "localhost", port: server.port, tokenUrl: google.url },
  });
  const deps = { channel, verifyMailbox: channel.verify };
  app = await startApp({ clock, deps });
  engine = createEngine({ ...app.deps, publicUrl: "http://localhost", concurrency: 20, senderConcurrency: 4 });
});
afterEach(() => {
  Object.assign(google.behavior, { error: null, down: false });
});
afterAll(async () => {
  await app.deps.channel.close();
  await app.close();
  await Promise.all([google.stop(), server.stop()]);
});

async function ask(stage: CampaignFixture, method: string, path: string, body?: unknown) {
  const answer = await stage.request<One>(method, path, body);
  responseTexts.push(answer.text);
  return answer;
}
const oauth = (refreshToken = "canary-refresh") => ({
  clientId: "client",
  clientSecret: "canary-client-secret",
  refreshToken,
});
const address = (domain = "northwind.example") => `ann${count++}@${domain}`;
const open = (wishes = {}) => createCampaignFixture(app, `brand${count++}`, { people: 2, delays: [0], ...wishes });

async function run(): Promise<void> {
  await engine.runDue();
  await engine.drain();
}
async function statuses({ campaignId }: CampaignFixture) {
  const rows = await app.store.read.select().from(messages).where(eq(messages.campaignId, campaignId));
  return rows.map(({ status, errorMessage }) => [status, errorMessage]);
}

describe("POST /api/email-accounts for Google", () => {
  test.each([
    ["OAUTH", "northwind.example", { oauth: oauth() }, "northwind.example"],
    ["OAUTH", "gmail.com", { oauth: oauth() }, null],
    ["OAUTH", "googlemail.com", { oauth: oauth() }, null],
  ] as const)("a mailbox is added by %s at %s", async (accountType, domain, credentials, workspaceDomain) => {
    const stage = await open();
    const order = { email: address(domain), provider: "GMAIL", ...credentials };
    const { status, body } = await ask(stage, "POST", PATH, order);
    expect(status).toBe(200);
    expect(body.emailAccount).toMatchObject({
      provider: "GMAIL",
      accountType,
      connectionStatus: "CONNECTED",
      host: null,
      hasPassword: true,
      workspaceDomain,
      isWorkspaceAccount: workspaceDomain !== null,
    });
  });

  test("a mailbox is added by the complete JSON key of a service account", async () => {
    const stage = await open();
    const serviceAccountKey = { ...google.key, project_id: "p", token_uri: "https://evil.example/token" };
    const { body } = await ask(stage, "POST", PATH, { email: address(), provider: "GMAIL", serviceAccountKey });
    expect(body.emailAccount).toMatchObject({ accountType: "SERVICE_ACCOUNT", isWorkspaceAccount: true });
  });

  test("no mailbox is stored when Google rejects the credentials, unless allowUnverified is set", async () => {
    const stage = await open();
    google.behavior.error = "invalid_grant";
    const order = { email: address(), provider: "GMAIL", oauth: oauth() };
    const refused = await ask(stage, "POST", PATH, order);
    expect([refused.status, refused.body.details?.[0]?.field]).toEqual([422, "oauth"]);
    const kept = await ask(stage, "POST", PATH, { ...order, allowUnverified: true });
    expect(kept.body.emailAccount).toMatchObject({ connectionStatus: "REAUTH_REQUIRED" });
    google.behavior.error = null;
    const well = await ask(stage, "POST", `${PATH}/${kept.body.emailAccount.id}/test-connection`);
    expect(well.body).toMatchObject({ connected: true, emailAccount: { connectionStatus: "CONNECTED" } });
  });

  test.each([
    [{}, "oauth"],
    [{ oauth: oauth(), host: "evil.example" }, "host"],
    [{ oauth: oauth(), username: "someone" }, "username"],
    [{ oauth: oauth(), password: "x" }, "oauth"],
    [{ oauth: oauth(), accountType: "SMTP" }, "accountType"],
    [{ oauth: { clientId: "x" } }, "oauth.clientSecret"],
    [{ serviceAccountKey: { client_email: "a@b.example", private_key: "no key" } }, "serviceAccountKey.private_key"],
    [{ provider: "SMTP", host: "mx.n.example", port: 587, security: "TLS", oauth: oauth() }, "oauth"],
  ])("%j answers 422 with the field name", async (wrong, field) => {
    const stage = await open();
    const refused = await ask(stage, "POST", PATH, { email: address(), provider: "GMAIL", ...wrong });
    expect([refused.status, refused.body.details?.[0]?.field]).toEqual([422, field]);
  });
});

/** Launches a campaign whose only mailbox is at Google. */
async function launched(): Promise<CampaignFixture & { id: string }> {
  const stage = await open();
  const made = await ask(stage, "POST", PATH, { email: address(), provider: "GMAIL", oauth: oauth(`canary-${count}`) });
  const { id } = made.body.emailAccount;
  await app.store.write(async (tx) => {
    // Replace the mailbox of the fixture, which sends no real mail, by the one at Google.
    const [fixtureMailbox] = await tx.select().from(emailAccounts).where(eq(emailAccounts.brandId, stage.brandId));
    await launchSeededCampaign(tx, stage, 2);
    if (fixtureMailbox)
      await tx.update(messages).set({ senderId: id }).where(eq(messages.campaignId, stage.campaignId));
  });
  return { ...stage, id };
}
const connectionOf = async ({ id }: { id: string }) => {
  const [row] = await app.store.read.select().from(emailAccounts).where(eq(emailAccounts.id, id));
  return row?.connectionStatus;
};

describe("sending through Google", () => {
  test("mails of a launched campaign are delivered", async () => {
    const stage = await launched();
    const before = server.received.length;
    await run();
    expect(await statuses(stage)).toEqual(Array(2).fill(["SENT", null]));
    expect(
      server.received
        .slice(before)
        .map(({ to }) => to)
        .sort(),
    ).toEqual(stage.emails.sort());
  });

  test("a revoked grant keeps the messages PENDING without further token requests, and new credentials send them", async () => {
    const stage = await launched();
    google.valid.clear();
    google.behavior.error = "invalid_grant";
    await run();
    clock.advance(MINUTE);
    await run();
    expect(await connectionOf(stage)).toBe("REAUTH_REQUIRED");
    expect(await statuses(stage)).toEqual(Array(2).fill(["PENDING", "SENDER_DISCONNECTED"]));
    clock.advance(HOUR);
    await run();
    const askedThen = google.asked.length;
    google.behavior.error = null;
    clock.advance(HOUR);
    await run();
    // Google must not be asked again before the credentials are renewed.
    expect(google.asked.length).toBe(askedThen);
    const path = `${PATH}/${stage.id}`;
    expect((await ask(stage, "PATCH", path, { host: "evil.example" })).status).toBe(422);
    const renewed = await ask(stage, "PATCH", path, { oauth: oauth("canary-refresh-renewed") });
    expect(renewed.body.emailAccount).toMatchObject({ connectionStatus: "CONNECTED", connectionError: null });
    await run();
    expect(await statuses(stage)).toEqual(Array(2).fill(["SENT", null]));
  });

  test("no message is lost while the token service is unavailable", async () => {
    const stage = await launched();
    google.valid.clear();
    google.behavior.down = true;
    await run();
    expect(await connectionOf(stage)).toBe("ERROR");
    expect((await statuses(stage)).map(([status]) => status)).toEqual(["PENDING", "PENDING"]);
    google.behavior.down = false;
    clock.advance(HOUR);
    await run();
    expect(await statuses(stage)).toEqual(Array(2).fill(["SENT", null]));
    expect(await connectionOf(stage)).toBe("CONNECTED");
  });
});

test("Google credentials: no response, log line or stored file contains them in plain text", async () => {
  const secrets = /canary|BEGIN PRIVATE KEY/;
  expect(responseTexts.length).toBeGreaterThan(10);
  expect(responseTexts.filter((text) => secrets.test(text))).toEqual([]);
  expect(app.logged.filter((line) => secrets.test(line))).toEqual([]);
  const rows = await app.store.read.select().from(emailAccounts);
  expect(secrets.test(JSON.stringify(rows))).toBe(false);
  const { dataDir } = app.deps.config;
  for (const name of readdirSync(dataDir)) {
    const path = join(dataDir, name);
    if (statSync(path).isFile()) expect(secrets.test(readFileSync(path, "latin1"))).toBe(false);
  }
});
