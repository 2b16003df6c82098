import { describe, expect, test } from "bun:test";
import type { Envelope, Outcome } from "../src/channels/channel.ts";
import { brokenPromises } from "../src/simulator/census.ts";
import { simulate } from "../src/simulator/simulate.ts";
import { World } from "../src/simulator/world.ts";
import { freshDatabase } from "./support/database.ts";

// How many worlds: SIMULATION_SEEDS=1000 bun test test/simulation.test.ts
const SEEDS = Number(process.env.SIMULATION_SEEDS ?? (process.env.DATABASE_URL ? 3 : 25));
const FIRST = Number(process.env.SIMULATION_FIRST ?? 1);
const small = { days: 20, contacts: 40, faults: true };

async function live(options: Parameters<typeof simulate>[0]) {
  const database = await freshDatabase();
  try {
    return await simulate({ ...options, databaseUrl: database.url });
  } finally {
    await database.drop();
  }
}

describe("a small world with crashes, slow and failing providers, double wake-ups and clock jumps", () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    test(`seed ${seed} keeps every promise`, async () => {
      const census = await live({ seed: String(seed), ...small });
      expect(brokenPromises(census)).toEqual([]);
      expect(census.sent).toBeGreaterThan(0);
      expect(census.pending).toBe(0);
      expect(census.unknown).toBe(0);
    }, 120_000);
  }
});

describe("the census of a world", () => {
  test("is the same for the same seed", async () => {
    const once = await live({ seed: "twin", ...small });
    expect(await live({ seed: "twin", ...small })).toEqual(once);
    expect(once.crashes).toBeGreaterThan(0);
  }, 120_000);

  test("notices a message that reached somebody twice", async () => {
    class Doubling extends World {
      override deliver(envelope: Envelope, order: number): Outcome {
        super.deliver(envelope, order);
        return super.deliver(envelope, order);
      }
    }
    const census = await live({
      seed: "1",
      days: 5,
      contacts: 10,
      faults: false,
      worldOf: (clock, seed) => new Doubling(clock, seed),
    });
    expect(census.duplicates).toBeGreaterThan(0);
    expect(brokenPromises(census)).not.toEqual([]);
  }, 60_000);

  test("notices a message that the books call sent and that never arrived", async () => {
    class Forgetful extends World {
      override deliver(envelope: Envelope, order: number): Outcome {
        const outcome = super.deliver(envelope, order);
        this.deliveries.pop();
        return outcome;
      }
    }
    const census = await live({
      seed: "1",
      days: 5,
      contacts: 10,
      faults: false,
      worldOf: (clock, seed) => new Forgetful(clock, seed),
    });
    expect(census.lost).toBeGreaterThan(0);
  }, 60_000);

  test("notices a message that set out after an answer", async () => {
    class Late extends World {
      override deliver(envelope: Envelope): Outcome {
        return super.deliver(envelope, Number.MAX_SAFE_INTEGER);
      }
    }
    const census = await live({
      seed: "1",
      days: 20,
      contacts: 40,
      faults: false,
      worldOf: (clock, seed) => new Late(clock, seed),
    });
    expect(census.sentAfterReply).toBeGreaterThan(0);
    expect(census.sentAfterBan).toBeGreaterThan(0);
  }, 60_000);
});
