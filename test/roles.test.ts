import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { launchCampaign, messagesOf, setUpBrand } from "./support/campaign.ts";
import { type Fleet, startFleet } from "./support/fleet.ts";
import { type Service, startService } from "./support/service.ts";
import { startSmtpServer, type TestSmtpServer } from "./support/smtpServer.ts";
import { until } from "./support/throwaway.ts";

// What each process does can be chosen where there may be several: on Postgres, with Redis or without.

setDefaultTimeout(60_000);

const onPostgres = Boolean(process.env.DATABASE_URL);

/** A service that is over before it answers says why. */
const refusal = (args: string[]) =>
  startService({ args }).then((it: Service) => it.remove().then(() => "it serves"), String);

describe("roles", () => {
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

  test("that do not exist are refused, and on SQLite so are some of them", async () => {
    expect(await refusal(["--roles", "api,postman"])).toContain("--roles: expected some of api, scheduler and worker");
    if (!onPostgres)
      expect(await refusal(["--roles", "api"])).toContain(
        "one process does everything on SQLite; set DATABASE_URL to divide them",
      );
  });

  test("work together: one takes the campaign, another sends it, at once and each mail once", async () => {
    const [api, scheduler, ...workers] = fleet?.replicas ?? [];
    if (!api || !scheduler) return expect(onPostgres).toBe(false);
    for (const replica of [scheduler, ...workers]) {
      expect((await fetch(`${replica.url}/api/health/queue`)).status).toBe(200);
      expect((await fetch(`${replica.url}/api/brands`)).status).toBe(404);
    }
    const mailboxes = ["ann@brand.example", "ben@brand.example"];
    const order = { name: "Roles", smtpPort: outside.port, mailboxes, credits: 100 };
    const brand = await setUpBrand(api, await api.admin(), order);
    const people = Array.from({ length: 20 }, (_, index) => ({ email: `p${index}@client.example` }));
    const stages = [{ subject: "Hello", body: "May I ask you something?" }, { body: "Did you see my mail?" }];
    const began = performance.now();
    const id = await launchCampaign(brand, { name: "Roles", stages, people });
    await until("all is sent", async () => outside.received.length >= 40, 30_000);
    // Nobody waited for the half minute after which a worker looks by itself.
    expect(performance.now() - began).toBeLessThan(12_000);
    expect(new Set(outside.received.map(({ messageId }) => messageId)).size).toBe(40);
    const isSent = async () => (await messagesOf(brand, id)).every(({ status }) => status === "SENT");
    await until("all is settled", isSent);
    // The scheduler sees that it is over.
    type Shown = { campaign: { status: string } };
    const isOver = async () => (await brand.ask<Shown>("GET", `/api/campaigns/${id}`)).campaign.status === "COMPLETED";
    await until("it is completed", isOver, 30_000);
  });
});
