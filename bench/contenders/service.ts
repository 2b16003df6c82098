import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Instant, systemClock } from "../../src/lib/clock.ts";
import { createLog } from "../../src/lib/logger.ts";
import { systemRandom } from "../../src/lib/random.ts";
import { startEmbedded } from "../../src/modules/delivery/embedded.ts";
import { createEngine } from "../../src/modules/delivery/engine.ts";
import { createAdmin } from "../../src/modules/identity/bootstrap-admin.ts";
import { createApp } from "../../src/server/app.ts";
import { parseConfig } from "../../src/server/config/config.ts";
import { openRuntime } from "../../src/server/runtime.ts";
import type { SeededBrand } from "../../src/simulator/seed.ts";
import { createAcceptingChannel, launchOutreach, makeDue, type OutreachPlan, seedOutreach } from "./outreach.ts";
import { insertPendingMessages } from "./pending.ts";
import { serveRequests } from "./protocol.ts";

// The whole service with HTTP, whose delivery engine sends to a channel that accepts at once.

const dataDir = mkdtempSync(join(tmpdir(), "reprise-bench-"));
process.on("exit", () => rmSync(dataDir, { recursive: true, force: true }));
const config = parseConfig({
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
  channel: createAcceptingChannel(() => sent++),
  random: systemRandom,
  concurrency: 400,
  senderConcurrency: 400,
});
const driver = startEmbedded(engine, clock, log);

serveRequests({
  async open({ pending, plans }: { pending: number; plans: OutreachPlan[] }) {
    await insertPendingMessages(store, pending);
    const brands: SeededBrand[] = [];
    for (const plan of plans) {
      const brand = await seedOutreach(store, plan);
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
