import { describe, expect, test } from "bun:test";
import type { Envelope, Outcome } from "../../src/channels/channel.ts";
import { describeViolations } from "../../src/simulator/invariants.ts";
import { simulate } from "../../src/simulator/simulate.ts";
import { World } from "../../src/simulator/world.ts";
import { createTestDatabase } from "../support/database.ts";

// Number of simulated runs: SIMULATION_SEEDS=1000 bun test test/simulator/simulation.test.ts
const SEEDS = Number(process.env.SIMULATION_SEEDS ?? (process.env.DATABASE_URL ? 3 : 25));
const FIRST = Number(process.env.SIMULATION_FIRST ?? 1);
const small = { days: 20, contacts: 40, faults: true };

async function run(options: Parameters<typeof simulate>[0]) {
  const database = await createTestDatabase();
  try {
    return await simulate({ ...options, databaseUrl: database.url });
  } finally {
    await database.drop();
  }
}

describe("simulation with crashes, slow and failing providers, repeated wake-ups and clock jumps", () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    test(`seed ${seed}: no invariant is violated`, async () => {
      const figures = await run({ seed: String(seed), ...small });
      expect(describeViolations(figures)).toEqual([]);
      expect(figures.sent).toBeGreaterThan(0);
      expect(figures.pending).toBe(0);
      expect(figures.unknown).toBe(0);
    }, 120_000);
  }
});

describe("simulation invariants", () => {
  test("have the same figures for the same seed", async () => {
    const once = await run({ seed: "twin", ...small });
    expect(await run({ seed: "twin", ...small })).toEqual(once);
    expect(once.crashes).toBeGreaterThan(0);
  }, 120_000);

  test("detect a message delivered twice", async () => {
    class Doubling extends World {
      override deliver(envelope: Envelope, order: number): Outcome {
        super.deliver(envelope, order);
        return super.deliver(envelope, order);
      }
    }
    const figures = await run({
      seed: "1",
      days: 5,
      contacts: 10,
      faults: false,
      createWorld: (clock, seed) => new Doubling(clock, seed),
    });
    expect(figures.duplicates).toBeGreaterThan(0);
    expect(describeViolations(figures)).not.toEqual([]);
  }, 60_000);

  test("detect a message recorded as sent that was not delivered", async () => {
    class Forgetful extends World {
      override deliver(envelope: Envelope, order: number): Outcome {
        const outcome = super.deliver(envelope, order);
        this.deliveries.pop();
        return outcome;
      }
    }
    const figures = await run({
      seed: "1",
      days: 5,
      contacts: 10,
      faults: false,
      createWorld: (clock, seed) => new Forgetful(clock, seed),
    });
    expect(figures.lost).toBeGreaterThan(0);
  }, 60_000);

  test("detect messages sent after a reply or a ban", async () => {
    class Late extends World {
      override deliver(envelope: Envelope): Outcome {
        return super.deliver(envelope, Number.MAX_SAFE_INTEGER);
      }
    }
    const figures = await run({
      seed: "1",
      days: 20,
      contacts: 40,
      faults: false,
      createWorld: (clock, seed) => new Late(clock, seed),
    });
    expect(figures.sentAfterReply).toBeGreaterThan(0);
    expect(figures.sentAfterBan).toBeGreaterThan(0);
  }, 60_000);
});
