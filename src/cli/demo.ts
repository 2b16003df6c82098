import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { DEMO_IDS } from "../http/openapi/example-ids.ts";
import { iso } from "../lib/clock.ts";
import { ledgerKey, masterKey, openVault, signer } from "../lib/crypto/secrets.ts";
import { checkDataFolder } from "../lib/data-folder/data-folder.ts";
import type { Log } from "../lib/logger.ts";
import type { Config } from "../server/config/config.ts";
import { DEMO_DAYS, simulateDemo } from "../simulator/demo/world.ts";
import { describeViolations } from "../simulator/invariants.ts";
import { formatDemoSummary } from "./demo-summary.ts";

/**
 * Runs `reprise demo`: simulates weeks of a campaign in a database of its own (`<data folder>/demo`, created anew each time),
 * prints a summary, and serves the result. Exit code 1 when an invariant was violated.
 */
export async function demo(config: Config, log: Log, options: { exit: boolean; json: boolean }): Promise<number> {
  checkDataFolder(config.dataDir, true);
  const dataDir = join(config.dataDir, "demo");
  rmSync(dataDir, { recursive: true, force: true });
  const key = masterKey(config.secret, dataDir);
  const password = randomBytes(12).toString("base64url");
  const started = performance.now();
  const end = Math.floor(Date.now() / 1000) * 1000;

  const world = await simulateDemo({
    dataDir,
    end,
    password,
    log,
    ledgerKey: ledgerKey(key),
    post: { vault: openVault(key), signer: signer(key), publicUrl: config.publicUrl },
    onProgress: progressLine(),
  });
  const seconds = (performance.now() - started) / 1000;
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  const broken = describeViolations(world.report);
  if (!options.json) console.log(await formatDemoSummary({ dataDir, world, seconds, days: DEMO_DAYS, broken }));
  for (const problem of broken) console.error(`an invariant was violated: ${problem}`);
  if (options.exit) {
    if (options.json)
      console.log(JSON.stringify({ ...world.report, days: DEMO_DAYS, seconds: Math.round(seconds * 10) / 10 }));
    return broken.length > 0 ? 1 : 0;
  }
  if (options.json) console.log(JSON.stringify(world.report));

  const { startService, untilStopSignal } = await import("../server/serve.ts");
  const host = process.env.HOST ? config.host : "127.0.0.1";
  const service = await startService(
    { ...config, host, dataDir, databaseUrl: null, redisUrl: null, channels: "simulator", simulatorJournal: null },
    log,
  );
  console.log(
    `\nOpen ${service.url}/swagger\n  admin  ${DEMO_IDS.adminEmail}\n  owner  ${DEMO_IDS.ownerEmail}  (of Northwind Coffee)\n  password of both  ${password}\nSign-up is ${config.signUp}: an admin invites people (POST /api/auth/admin/invitations).\nCtrl-C ends it.`,
  );
  await untilStopSignal();
  await service.stop();
  return 0;
}

/** Returns a function that draws a progress bar on a terminal, and nothing elsewhere. */
function progressLine(): (virtual: number, share: number) => void {
  let last = -1;
  return (virtual, share) => {
    const percent = Math.floor(share * 100);
    if (percent === last || !process.stderr.isTTY) return;
    last = percent;
    const bar = "█".repeat(Math.floor(percent / 4)).padEnd(25, "░");
    process.stderr.write(`\r${bar} ${String(percent).padStart(3)} %  ${iso(virtual).slice(0, 10)}`);
  };
}
