import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { Agent, request as ask } from "node:http";
import { connect } from "node:net";
import {
  createReadyBrand,
  getImportJobView,
  launchCampaign,
  listCampaignMessages,
  type ReadyBrand,
  uploadContacts,
} from "../support/api-campaign.ts";
import { startScriptedSmtpServer, startSmtpServer, type TestSmtpServer } from "../support/servers/smtp-server.ts";
import { waitUntil } from "../support/servers/temp-server.ts";
import { type Service, startService } from "../support/service.ts";

// Stop the whole program during requests, sends and imports. Committed requests must be answered, outcomes of mails
// must be known where possible, and the stop must stay within its time.

setDefaultTimeout(120_000);
const STAGES = [{ subject: "Hello", body: "May I ask you something?" }];
const MAILBOXES = ["ann@brand.example", "ben@brand.example"];
const people = (count: number, name: string) =>
  Array.from({ length: count }, (_, n) => ({ email: `${name}${n}@client.example` }));

let service: Service;
let admin: string;
let outside: TestSmtpServer;
let silent: TestSmtpServer;
const environment = (seconds: number) => ({ SMTP_ALLOW_PRIVATE_HOSTS: "true", STOP_TIMEOUT_SECONDS: String(seconds) });

beforeAll(async () => {
  outside = await startSmtpServer();
  // The server accepts the envelope and then hangs: nothing is sent, and a client waits for a minute.
  silent = await startScriptedSmtpServer({ data: "hang" });
});
afterAll(async () => {
  await outside.stop();
  await silent.stop();
});

async function begin(seconds: number, name: string, port: number): Promise<ReadyBrand> {
  service = await startService({ env: environment(seconds) });
  admin = await service.admin();
  return createReadyBrand(service, admin, { name, smtpPort: port, mailboxes: MAILBOXES, credits: 1e6 });
}

/** Returns the log entry of the last stop. */
function lastStop() {
  const line = service
    .output()
    .split("\n")
    .findLast((line) => line.includes('"event":"service.stopped"'));
  return JSON.parse(line ?? "null") as {
    milliseconds: number;
    onItsWay: { requests: number; sends: number; imports: number };
    broughtToAnEnd: { requests: number; sends: number; imports: number };
    unansweredRequests: number;
    unsettledSends: number;
  };
}

/** Writes contacts from 40 clients with keep-alive connections until `end` is called. */
function load(token: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const written = new Set<string>();
  const other: number[] = [];
  let isOver = false;
  let next = 0;
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const byNode = (body: string) =>
    new Promise<number>((resolve, reject) => {
      const sent = ask(`${service.url}/api/contacts`, { method: "POST", agent, headers }, (answer) => {
        answer.resume().on("end", () => resolve(answer.statusCode ?? 0));
        answer.on("error", reject);
      });
      sent.on("error", reject);
      sent.end(body);
    });
  const byFetch = async (body: string) => {
    const answer = await fetch(`${service.url}/api/contacts`, { method: "POST", headers, body });
    await answer.text();
    return answer.status;
  };
  const client = async (send: (body: string) => Promise<number>) => {
    while (!isOver) {
      const email = `load${next++}@client.example`;
      const status = await send(JSON.stringify({ email })).catch(() => null);
      if (status === null) await Bun.sleep(20);
      else if (status < 300) written.add(email);
      else other.push(status);
    }
  };
  const clients = Array.from({ length: 40 }, (_, n) => client(n % 2 ? byNode : byFetch));
  return {
    written,
    other,
    async end() {
      isOver = true;
      await Promise.all(clients);
      agent.destroy();
    },
  };
}

test("stop under load: each committed contact was answered and no request is left unanswered", async () => {
  const brand = await begin(9, "Load", outside.port);
  const work = load(brand.token);
  const jobId = await uploadContacts(service, brand, "Stopped", 15_000);
  await waitUntil(
    "contacts are written and imported",
    async () => work.written.size > 50 && (await getImportJobView(brand, jobId)).rows > 0,
  );
  expect(await service.stop()).toBe(0);
  await work.end();
  expect(lastStop()).toMatchObject({ unansweredRequests: 0, unsettledSends: 0 });
  expect(lastStop().onItsWay.imports).toBe(1);
  expect([...new Set(work.other)].filter((status) => status !== 503)).toEqual([]);

  await service.start();
  const imported = await (async () => {
    await waitUntil(
      "the import is done",
      async () => (await getImportJobView(brand, jobId)).status !== "RUNNING",
      60_000,
    );
    return getImportJobView(brand, jobId);
  })();
  expect(imported).toMatchObject({ status: "DONE", rows: 15_000 });
  let committed = 0;
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: { data: { email: string }[]; nextCursor: string | null } = await brand.ask(
      "GET",
      `/api/contacts?limit=100&searchQuery=load&cursor=${cursor}`,
    );
    for (const { email } of page.data) if (/^load\d/.test(email)) committed += work.written.has(email) ? 1 : 1_000_000;
    cursor = page.nextCursor;
  }
  expect(committed).toBe(work.written.size);
  await service.remove();
});

test("stop with incomplete requests: does not wait for them", async () => {
  // If the stop waited for one of them, it would use its 600 s, longer than the timeout of this test.
  const brand = await begin(600, "Halves", outside.port);
  const { port } = new URL(service.url);
  const { campaign } = await brand.ask<{ campaign: { id: string } }>("POST", "/api/campaigns", { name: "Upload" });
  const head = (path: string, type: string) =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: 5000\r\nAuthorization: Bearer ${brand.token}\r\n\r\n`;
  const halves = [
    "GET /api/health HTTP",
    `${head("/api/auth/sign-in/email", "application/json")}{"email":`,
    `${head("/api/contacts", "application/json")}{"email":`,
    `${head(`/api/campaigns/${campaign.id}/import-contacts`, "text/csv")}email\na@client.example\n`,
    `${head(`/api/campaigns/${campaign.id}/import-contacts`, "multipart/form-data; boundary=x")}--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nemail\n`,
    `${head("/api/auth/upload-profile-image", "multipart/form-data; boundary=x")}--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n\x89PNG`,
    "GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n",
  ].map((text) => {
    const socket = connect(Number(port), "127.0.0.1");
    socket.on("error", () => {}).resume();
    socket.write(text, "latin1");
    return new Promise<void>((resolve) => socket.on("close", () => resolve()));
  });
  await Bun.sleep(300);
  expect(await service.stop()).toBe(0);
  await Promise.all(halves);
  expect(lastStop()).toMatchObject({ unansweredRequests: 0, broughtToAnEnd: { requests: 0, sends: 0, imports: 0 } });
  await service.remove();
});

test("stop with mails at a silent server: ends in time and leaves no unknown outcome", async () => {
  const brand = await begin(3, "Silent", silent.port);
  const id = await launchCampaign(brand, { name: "Silent", stages: STAGES, people: people(20, "silent") });
  await waitUntil("some mails are being sent", async () => silent.connections.open >= 2);
  expect(await service.stop()).toBe(0);
  const { onItsWay, broughtToAnEnd, unsettledSends, milliseconds } = lastStop();
  expect(onItsWay.sends).toBeGreaterThan(0);
  expect(broughtToAnEnd.sends).toBe(onItsWay.sends);
  expect(unsettledSends).toBe(0);
  // Compare the duration measured by the service with the configured limit.
  expect(milliseconds).toBeLessThan(3_000);
  await service.start();
  const messages = await listCampaignMessages(brand, id);
  expect(messages.map(({ status, errorMessage }) => [status, errorMessage === "OUTCOME_UNKNOWN"])).toEqual(
    Array.from({ length: 20 }, () => ["PENDING", false]) as never,
  );
  await service.remove();
});

test("stop with a request that waits for another server: ends in time, and the request has no effect", async () => {
  const brand = await begin(2, "Waiting", outside.port);
  const mute = await startScriptedSmtpServer({ bannerAfter: 60_000 });
  const body = { email: "mute@brand.example", host: "127.0.0.1", port: mute.port, security: "NONE", dailyLimit: 10 };
  const asked = service.api("POST", "/api/email-accounts", { token: brand.token, body }).catch(() => null);
  await waitUntil("the request waits for the server", async () => mute.connections.open > 0);
  expect(await service.stop()).toBe(0);
  expect((await asked)?.status ?? 503).toBe(503);
  expect(lastStop()).toMatchObject({ onItsWay: { requests: 1 }, broughtToAnEnd: { requests: 1 } });
  expect(lastStop().milliseconds).toBeLessThan(2_000);
  await mute.stop();
  await service.start();
  const { data } = await brand.ask<{ data: { email: string }[] }>("GET", "/api/email-accounts");
  expect(data.map(({ email }) => email).sort()).toEqual(MAILBOXES);
  await service.remove();
});
