import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "../../src/db/store.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { createLog } from "../../src/lib/logger.ts";
import { createAdmin } from "../../src/modules/identity/bootstrap-admin.ts";
import { parseConfig } from "../../src/server/config/config.ts";
import { startService } from "../../src/server/serve.ts";
import { type ApiClient, createApiClient, PASSWORD } from "../support/api-client.ts";
import { createTestDatabase } from "../support/database.ts";
import { setLimits } from "../support/limits.ts";
import { findFreePort } from "../support/servers/temp-server.ts";
import { seedBulkData } from "./bulk-data.ts";

/** Service with the api role alone, on a database with a campaign of many contacts. */
export interface BulkService extends ApiClient {
  store: Store;
  /** Session token of an admin. */
  token: string;
  close(): Promise<void>;
}

export async function startBulkService(rows: number): Promise<BulkService> {
  const folder = mkdtempSync(join(tmpdir(), "reprise-bulk-service-"));
  const database = await createTestDatabase();
  const address = database.url === null ? {} : { DATABASE_URL: database.url };
  const config = parseConfig({ DATA_DIR: folder, HOST: "127.0.0.1", PORT: String(findFreePort()), ...address });
  const log = createLog("silent", systemClock, () => {});
  const service = await startService(config, log, new Set(["api"] as const));
  const { store } = service.runtime.deps;
  // The clients below read without a pause, more than the default limit allows.
  await setLimits(store, { readsPerMinute: 1_000_000 });
  await seedBulkData(store, rows);
  await createAdmin(store, { email: "admin@x.example", password: PASSWORD, name: "Admin" });
  const doors = createApiClient(() => `http://127.0.0.1:${config.port}`);
  return {
    ...doors,
    store,
    token: await doors.signIn("admin@x.example"),
    async close() {
      await service.stop();
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Responses to readers while a long request runs. */
interface ResponsivenessReport {
  status: number;
  /** Number of responses to readers meanwhile. */
  answered: number;
  /** Longest time without a response to readers. */
  longestGapMs: number;
  seconds: number;
}

/** Sends a request, and reads health and a list in turn without a pause until it is answered. */
export async function measureResponsiveness(service: BulkService, method: string, path: string, body?: unknown) {
  const began = performance.now();
  let [last, longestGapMs, answered, isOver] = [began, 0, 0, false];
  const asked = service.api(method, path, { token: service.token, body }).finally(() => {
    isOver = true;
  });
  for (let turn = 0; !isOver; turn++) {
    const reading = turn % 2 === 0 ? "/api/health" : "/api/campaigns?limit=5";
    const { status, text } = await service.api("GET", reading, { token: service.token });
    if (status !== 200) throw new Error(`${reading} was answered ${status} ${text}`);
    const now = performance.now();
    longestGapMs = Math.max(longestGapMs, now - last);
    last = now;
    answered++;
  }
  const { status, text } = await asked;
  if (status !== 200) throw new Error(`${path} was answered ${status} ${text}`);
  const seconds = (performance.now() - began) / 1000;
  console.log(
    `bulk answers: ${path.split("/").at(-1)}: ${seconds.toFixed(1)} s, ${answered} answers, longest gap ${longestGapMs.toFixed(0)} ms`,
  );
  return { status, answered, longestGapMs, seconds } satisfies ResponsivenessReport;
}
