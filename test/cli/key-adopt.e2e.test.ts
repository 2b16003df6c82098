import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Service, startService } from "../support/service.ts";

// Require one secret key for all processes of a database: another key can neither decrypt stored passwords nor verify
// signed links.

setDefaultTimeout(60_000);

let dataDir: string;
let service: Service;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "reprise-key-"));
  service = await startService({ dataDir });
});
afterAll(async () => {
  await service.remove();
  rmSync(dataDir, { recursive: true });
});

test("secret key: a process whose key file is lost refuses to start until `reprise key adopt` accepts the new key", async () => {
  await service.stop();
  rmSync(join(dataDir, "secret.key"));
  await expect(service.start()).rejects.toThrow(/secret key does not belong to this database.*reprise key adopt/s);
  expect(await service.run(["key", "adopt"])).toMatchObject({ exitCode: 0 });
  await service.start();
  expect((await service.api("GET", "/api/health")).status).toBe(200);
});
