import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Service, startService } from "./support/service.ts";

// All processes on one database have one key. One with another could neither read the passwords nor honour the links.

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

test("a process whose key was lost does not start with a new one, until it is told to make do with that", async () => {
  await service.stop();
  rmSync(join(dataDir, "secret.key"));
  await expect(service.start()).rejects.toThrow(/secret key is not the one of this database.*reprise key adopt/s);
  expect(await service.run(["key", "adopt"])).toMatchObject({ exitCode: 0 });
  await service.start();
  expect((await service.api("GET", "/api/health")).status).toBe(200);
});
