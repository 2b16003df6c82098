import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createReadyBrand, type ReadyBrand } from "../support/api-campaign.ts";
import { waitUntil } from "../support/servers/temp-server.ts";
import { type Service, startService } from "../support/service.ts";

// Run the whole program with an anchor file of ledger heads and detect that the database was rolled back.

setDefaultTimeout(60_000);
let home: string;
let dataDir: string;
let anchors: string;
let service: Service;
let admin: string;
let brand: ReadyBrand;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "reprise-anchor-"));
  dataDir = join(home, "data");
  anchors = join(home, "anchors");
  service = await startService({ dataDir, env: { LEDGER_ANCHOR: anchors } });
  admin = await service.admin();
  brand = await createReadyBrand(service, admin, { name: "Anchor", smtpPort: 0, mailboxes: [], credits: 10 });
});
afterAll(async () => {
  await service.remove();
  rmSync(home, { recursive: true });
});

const give = (credits: number) =>
  service.api("POST", "/api/auth/admin/grant-credits", {
    token: admin,
    body: { brandId: brand.brandId, credits, reason: "more" },
  });
const verify = (...args: string[]) => service.run(["ledger", "verify", ...args]);
const kept = () => (existsSync(anchors) ? readFileSync(anchors, "utf8") : "");

test("LEDGER_ANCHOR: a start writes the ledger heads to a file of mode 0600, and the continued ledger verifies against them", async () => {
  await service.stop();
  await service.start();
  await waitUntil("the anchors are written", async () => kept().includes(brand.brandId));
  expect(statSync(anchors).mode & 0o777).toBe(0o600);
  expect((await give(5)).status).toBe(200);
  const { exitCode, stdout } = await verify("--anchor", anchors, "--json");
  expect([exitCode, JSON.parse(stdout)]).toMatchObject([0, { ok: true, faults: [], anchors: 1, badLines: [] }]);
});

test("ledger verify: a database rolled back as a whole passes without anchors and fails with them as ROLLED_BACK", async () => {
  await service.stop();
  const yesterday = join(home, "yesterday");
  cpSync(dataDir, yesterday, { recursive: true });
  await service.start();
  expect((await give(7)).status).toBe(200);
  // Print the anchors as a scheduled command would.
  const printed = await service.run(["ledger", "anchor"]);
  expect(printed.exitCode).toBe(0);
  await Bun.write(anchors, `${kept()}${printed.stdout}`);
  await service.stop();
  rmSync(dataDir, { recursive: true });
  renameSync(yesterday, dataDir);

  expect((await verify()).exitCode).toBe(0);
  const { exitCode, stdout } = await verify("--anchor", anchors);
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(
    new RegExp(`brand ${brand.brandId}: ROLLED_BACK: the anchor of .* counts 3 entries, and there are 2`),
  );
});

test("ledger verify --anchor: a changed line, a file without anchors and a missing file have different errors", async () => {
  const changed = join(home, "changed");
  await Bun.write(changed, kept().replace(/"at":"20/, '"at":"21'));
  const { exitCode, stdout } = await verify("--anchor", changed);
  expect([exitCode, stdout]).toEqual([1, expect.stringContaining("line 1: was changed")]);
  const none = join(home, "none");
  await Bun.write(none, "nothing of the kind\n");
  expect(await verify("--anchor", none)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("no anchor") });
  expect(await verify("--anchor", join(home, "nowhere"))).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("there is no file"),
  });
});

test("ledger verify: with another secret key or none, reports only the key and creates none", async () => {
  const key = join(dataDir, "secret.key");
  const secret = readFileSync(key, "utf8");
  rmSync(key);
  const without = await verify();
  expect([without.exitCode, without.stderr]).toEqual([1, expect.stringContaining("set REPRISE_SECRET, or DATA_DIR")]);
  expect(await Bun.file(key).exists()).toBe(false);
  await Bun.write(key, `${Buffer.alloc(32, 1).toString("base64url")}\n`);
  Bun.spawnSync(["chmod", "600", key]);
  const other = await verify();
  expect([other.exitCode, other.stderr]).toEqual([1, expect.stringContaining("was signed with another key")]);
  expect(other.stdout).toBe("");
  // Adopt the new key as if the old one were lost: the ledger is sealed again as it is.
  expect((await service.run(["key", "adopt"])).stdout).toContain("signed again with the current key");
  expect((await verify()).exitCode).toBe(0);
  expect((await verify("--anchor", anchors)).exitCode).toBe(1);
  await Bun.write(key, secret);
});
