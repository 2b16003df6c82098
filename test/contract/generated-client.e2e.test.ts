import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PASSWORD } from "../support/api-client.ts";
import { flag } from "../support/pictures.ts";
import { PROJECT_ROOT } from "../support/project-root.ts";
import { cleanEnvironment, runProgram } from "../support/replica.ts";
import { SIMULATOR_ENVIRONMENT, seedBrand } from "../support/seed-brand.ts";
import { type Service, startService } from "../support/service.ts";

// Generate a client from the published OpenAPI document with a public generator, compile the client strictly and run a
// scenario of an admin with it.

const bin = (name: string) => join(PROJECT_ROOT, "node_modules/.bin", name);
/** Keep the folder below `node_modules`, so that the generated code finds its packages. */
const cache = join(PROJECT_ROOT, "node_modules/.cache");
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(join(cache, "client-"));

let service: Service;
beforeAll(async () => {
  service = await startService({ env: SIMULATOR_ENVIRONMENT });
  const admin = await service.admin();
  await seedBrand(service, admin, "ann");
  await seedBrand(service, admin, "ben");
}, 60_000);
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await service.remove();
});

async function run(program: string, ...args: string[]): Promise<void> {
  const ended = await runProgram([process.execPath, bin(program), ...args], {
    cwd: folder,
    env: cleanEnvironment(folder),
  });
  expect({ ...ended, stderr: "" }).toEqual({ exitCode: 0, stdout: "", stderr: "" });
}

test("generated client: compiles strictly and runs an admin's scenario against the service", async () => {
  await Bun.write(join(folder, "openapi.json"), (await service.api("GET", "/swagger/json")).text);
  await run("oazapfts", "openapi.json", "api.ts");
  cpSync(join(PROJECT_ROOT, "test/contract/generated-client/scenario.ts"), join(folder, "scenario.ts"));
  await run("tsc", "--project", writeConfig());

  const { runScenario } = (await import(join(folder, "scenario.ts"))) as {
    runScenario(input: object): Promise<string[]>;
  };
  const steps = await runScenario({
    url: service.url,
    admin: { email: "admin1@example.com", password: PASSWORD },
    owner: "ann@owners.example",
    otherBrand: "ben",
    picture: new File([flag], "me.png", { type: "image/png" }),
  });
  expect(steps).toEqual([
    "signed in as admin",
    "found ann@owners.example and 1 other brand",
    "moved a mailbox from ann and 1 back",
    "added +12025550147 at TWILIO",
    "SMS cost 0.5 more, a look-up 0",
    "granted 7.5 of 2 brands, now plenty",
    expect.stringMatching(/^saw stage 1 to (jo|al)@(ann|ben)\.example in mode AUTO$/),
    "saw page 1 of the payments",
    expect.stringMatching(/^banned one of \d+, and lifted it$/),
    "is called Ada Lovelace, and seen",
  ]);
}, 60_000);

function writeConfig(): string {
  const path = join(folder, "tsconfig.json");
  const options = { strict: true, exactOptionalPropertyTypes: false, noEmit: true, skipLibCheck: true };
  const modern = {
    target: "ESNext",
    module: "Preserve",
    moduleResolution: "bundler",
    allowImportingTsExtensions: true,
  };
  const compilerOptions = { ...options, ...modern, lib: ["ESNext", "DOM", "DOM.Iterable"], types: [] };
  writeFileSync(path, JSON.stringify({ compilerOptions, files: ["scenario.ts"] }));
  return path;
}
