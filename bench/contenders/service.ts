import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApp } from "../../src/app.ts";
import { type Instant, systemClock } from "../../src/clock.ts";
import { readConfig } from "../../src/config.ts";
import { startEmbedded } from "../../src/delivery/embedded.ts";
import { createEngine } from "../../src/delivery/engine.ts";
import { createAdmin } from "../../src/identity/claim.ts";
import { createLog } from "../../src/log.ts";
import { systemRandom } from "../../src/random.ts";
import { openRuntime } from "../../src/runtime.ts";
import type { CastBrand } from "../../src/simulator/cast.ts";
import { takeOrders } from "./orders.ts";
import { acceptingChannel, castOutreach, launchOutreach, makeDue, type OutreachPlan } from "./outreach.ts";
import { fillPending } from "./pending.ts";

// The whole service with HTTP, whose delivery engine sends to a channel that accepts at once.

const dataDir = mkdtempSync(join(tmpdir(), "reprise-bench-"));
process.on("exit", () => rmSync(dataDir, { recursive: true, force: true }));
const config = readConfig({
  ...process.env,
  DATA_DIR: dataDir,
  REPRISE_SECRET: "nothing but benchmarks ever signs with these words",
});
const runtime = await openRuntime(config, createLog("warn", systemClock));
const { store, clock, log } = runtime.deps;
const login = { email: "admin@bench.example", password: "correct horse battery" };
await createAdmin(store, { ...login, name: "Admin" });
const app = createApp(runtime.deps, runtime.identity);
app.listen({ port: 0, hostname: "127.0.0.1" });
const url = `http://127.0.0.1:${app.server?.port}`;

let sent = 0;
const engine = createEngine({
  ...runtime.deps,
  publicUrl: config.publicUrl,
  channel: acceptingChannel(() => sent++),
  random: systemRandom,
  concurrency: 400,
  senderConcurrency: 400,
});
const driver = startEmbedded(engine, clock, log);

takeOrders({
  async open({ pending, plans }: { pending: number; plans: OutreachPlan[] }) {
    await fillPending(store, pending);
    const brands: CastBrand[] = [];
    for (const plan of plans) {
      const brand = await castOutreach(store, plan);
      await launchOutreach(store, brand, plan.contacts);
      brands.push(brand);
    }
    driver.wake();
    const headers = { "content-type": "application/json" };
    const signIn = { method: "POST", headers, body: JSON.stringify(login) };
    const answer = (await (await fetch(`${url}/api/auth/sign-in/email`, signIn)).json()) as { token: string };
    return { url, token: answer.token, campaigns: brands.map(({ campaignId }) => campaignId) };
  },
  async due(order: { campaignId: string; stage: number; at: Instant; perSecond: number | null }) {
    const due = await makeDue(store, order.campaignId, order.stage, order.at, order.perSecond);
    driver.wake();
    return due.size;
  },
  sent: () => sent,
  async close() {
    await driver.close(1000);
    await app.stop(true);
    await runtime.drain(1000);
    await runtime.breakOffSends(1000);
    await runtime.close();
  },
});
