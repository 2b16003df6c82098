import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createReadyBrand, launchCampaign, listCampaignMessages } from "../support/api-campaign.ts";
import { type Fleet, startFleet } from "../support/fleet.ts";
import { startSmtpServer, type TestSmtpServer } from "../support/servers/smtp-server.ts";
import { waitUntil } from "../support/servers/temp-server.ts";
import { type Service, startService } from "../support/service.ts";

// The roles of a process can be chosen where several processes are possible: on Postgres, with or without Redis.

setDefaultTimeout(60_000);

const onPostgres = Boolean(process.env.DATABASE_URL);

/** Starts a service that is expected to fail, and returns its error. */
const startError = (args: string[]) =>
  startService({ args }).then((it: Service) => it.remove().then(() => "it serves"), String);

describe("process roles", () => {
  let outside: TestSmtpServer;
  let fleet: Fleet | null = null;
  beforeAll(async () => {
    outside = await startSmtpServer();
    if (!onPostgres) return;
    const args = ["api", "scheduler", "worker", "worker"].map((role) => ["--roles", role]);
    fleet = await startFleet({ args, env: { SMTP_ALLOW_PRIVATE_HOSTS: "true" } });
  });
  afterAll(async () => {
    await fleet?.remove();
    await outside.stop();
  });

  test("unknown roles are rejected, and so is a subset of the roles on SQLite", async () => {
    expect(await startError(["--roles", "api,postman"])).toContain(
      "--roles: expected some of api, scheduler and worker",
    );
    if (!onPostgres)
      expect(await startError(["--roles", "api"])).toContain(
        "one process does everything on SQLite; set DATABASE_URL to divide them",
      );
  });

  test("separate processes send a campaign promptly and each mail once, and only the API process serves the API", async () => {
    const [api, scheduler, ...workers] = fleet?.replicas ?? [];
    if (!api || !scheduler) return expect(onPostgres).toBe(false);
    for (const replica of [scheduler, ...workers]) {
      expect((await fetch(`${replica.url}/api/health/queue`)).status).toBe(200);
      expect((await fetch(`${replica.url}/api/brands`)).status).toBe(404);
    }
    const mailboxes = ["ann@brand.example", "ben@brand.example"];
    const order = { name: "Roles", smtpPort: outside.port, mailboxes, credits: 100 };
    const brand = await createReadyBrand(api, await api.admin(), order);
    const people = Array.from({ length: 20 }, (_, index) => ({ email: `p${index}@client.example` }));
    const stages = [{ subject: "Hello", body: "May I ask you something?" }, { body: "Did you see my mail?" }];
    const began = performance.now();
    const id = await launchCampaign(brand, { name: "Roles", stages, people });
    await waitUntil("all mails are sent", async () => outside.received.length >= 40, 30_000);
    // The workers were notified: polling alone would take half a minute.
    expect(performance.now() - began).toBeLessThan(12_000);
    expect(new Set(outside.received.map(({ messageId }) => messageId)).size).toBe(40);
    const isSent = async () => (await listCampaignMessages(brand, id)).every(({ status }) => status === "SENT");
    await waitUntil("all messages are SENT", isSent);
    // The scheduler completes the campaign.
    type Shown = { campaign: { status: string } };
    const isOver = async () => (await brand.ask<Shown>("GET", `/api/campaigns/${id}`)).campaign.status === "COMPLETED";
    await waitUntil("the campaign is completed", isOver, 30_000);
  });
});
