import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createSignedInUser } from "../support/api-campaign.ts";
import { PROJECT_ROOT } from "../support/project-root.ts";
import { cleanEnvironment, createReplica, type Replica, runProgram } from "../support/replica.ts";
import { ATTACKER_SCRIPT } from "./resource-exhaustion/attacker.ts";
import { quantile, runHonestClient } from "./resource-exhaustion/honest-client.ts";
import { limitMemory, type MemoryLimit } from "./resource-exhaustion/memory-limit.ts";

// Run the compiled program with 1 GB of memory while 500 connections send hostile requests. The program must survive,
// and honest clients must not notice. Full run with the target for response times:
// SURVIVAL_SECONDS=60 REPRISE_BINARY=dist/reprise bun test test/faults/resource-exhaustion.once.test.ts

const WHOLE_SECONDS = 60;
const SECONDS = Number(process.env.SURVIVAL_SECONDS ?? 12);
const CONNECTIONS = Number(process.env.SURVIVAL_CONNECTIONS ?? 500);
/** Runs only the attacks whose names match this pattern. */
const ATTACKS = process.env.SURVIVAL_ATTACKS ?? "";
const MEMORY_BYTES = 1024 ** 3;
/** Target for the 99th percentile of honest requests, checked only in runs of the full length. */
const AIM_P99_MS = 500;

let buildFolder = "";
let memory: MemoryLimit;
let replica: Replica;

beforeAll(async () => {
  buildFolder = mkdtempSync(join(tmpdir(), "reprise-survival-"));
  let binary = process.env.REPRISE_BINARY ? resolve(process.env.REPRISE_BINARY) : "";
  if (binary === "") {
    binary = join(buildFolder, "reprise");
    const build = [process.execPath, join(PROJECT_ROOT, "scripts/build.ts"), "--outfile", binary];
    expect((await runProgram(build, { cwd: PROJECT_ROOT, env: cleanEnvironment(buildFolder) })).stderr).toBe("");
  }
  memory = limitMemory(MEMORY_BYTES);
  replica = createReplica({ command: memory.command([binary]), env: { SIGN_UP: "open", LOG_LEVEL: "warn" } });
  await replica.start();
}, 120_000);
afterAll(async () => {
  await replica.remove();
  memory.remove();
  rmSync(buildFolder, { recursive: true, force: true });
});

test(
  `survival: the program serves honest clients during ${SECONDS} s of hostile bodies from ${CONNECTIONS} connections in 1 GB of memory`,
  async () => {
    const token = await createSignedInUser(replica, await replica.admin(), "ann@owners.example");
    await replica.api("POST", "/api/brands", { token, body: { name: "Northwind" } });
    memory.watch(Number(readFileSync(join(replica.folder, "../pid"), "utf8")));

    const port = new URL(replica.url).port;
    const attacker = Bun.spawn(
      [process.execPath, ATTACKER_SCRIPT, port, String(SECONDS), String(CONNECTIONS), ATTACKS],
      {
        stdout: "pipe",
      },
    );
    const { milliseconds, failures } = await runHonestClient(
      replica.url,
      [
        { method: "GET", path: "/api/health", status: 200 },
        { method: "GET", path: "/api/contacts?limit=20", token, status: 200 },
        { method: "GET", path: "/api/auth/session", token, status: 200 },
        { method: "POST", path: "/api/contacts", token, status: 200, body: (n) => ({ email: `p${n}@people.example` }) },
      ],
      SECONDS,
    );
    const answers = JSON.parse((await new Response(attacker.stdout).text()) || "{}");
    const [p50, p99] = [quantile(milliseconds, 0.5), quantile(milliseconds, 0.99)];
    const peakMb = Math.round(memory.peak() / 2 ** 20);
    console.log(
      `survival (${memory.kind}): ${milliseconds.length} honest requests, ${failures.length} failed, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms; peak ${peakMb} MB; alive: ${replica.isServing()}`,
    );
    console.log(answers);

    expect(replica.isServing()).toBe(true);
    expect(failures).toEqual([]);
    expect(memory.peak()).toBeGreaterThan(0);
    expect(memory.peak()).toBeLessThan(MEMORY_BYTES);
    expect(milliseconds.length).toBeGreaterThan(SECONDS);
    if (SECONDS >= WHOLE_SECONDS) expect(p99).toBeLessThan(AIM_P99_MS);
  },
  (SECONDS + 60) * 1000,
);
