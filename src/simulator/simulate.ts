import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dialect } from "../db/dialect.ts";
import { openStore } from "../db/open.ts";
import { DAY, type Instant, VirtualClock } from "../lib/clock.ts";
import { ledgerKey, openVault, signer } from "../lib/crypto/secrets.ts";
import { createLog } from "../lib/logger.ts";
import { type Random, seededRandom } from "../lib/random.ts";
import type { ParsedRow } from "../modules/contacts/parse-contact.ts";
import { DEFAULT_FAULT_RATES, NO_FAULTS } from "./fault-injection.ts";
import { checkInvariants, type InvariantReport } from "./invariants.ts";
import { runWorld } from "./run.ts";
import { type BrandSeed, launchSeededCampaign, seedBrand, seedContacts } from "./seed.ts";
import { World } from "./world.ts";

export interface SimulateOptions {
  seed: string;
  days: number;
  contacts: number;
  faults: boolean;
  /** An empty Postgres database; null for a temporary SQLite file. */
  databaseUrl?: string | null;
  /** Replaces the simulated recipients, e.g. with ones that are defective on purpose. */
  createWorld?: (clock: VirtualClock, seed: string) => World;
  onProgress?: (now: Instant) => void;
  /** Is called at the end with the bytes of the SQLite file, including its log. */
  onEnd?: (databaseBytes: number) => void;
}

/** The simulated time of the start: a Monday morning. */
const START_TIME = Date.UTC(2026, 0, 5, 8);
const BATCH_CONTACTS = 500;
const SIMULATION_KEY = new Uint8Array(32).fill(7);

/**
 * Simulates `days` of a small installation that is a function of the seed, and checks the invariants. With faults,
 * processes crash around every commit and every send, providers are slow, refuse and lose responses, wake-ups come twice,
 * and the clock is set. The same seed gives the same result.
 */
export async function simulate(options: SimulateOptions): Promise<InvariantReport & { seed: string; crashes: number }> {
  const dataDir = mkdtempSync(join(tmpdir(), "reprise-simulation-"));
  const clock = new VirtualClock(START_TIME);
  const random = seededRandom(`world ${options.seed}`);
  const store = await openStore({
    dataDir,
    databaseUrl: options.databaseUrl ?? null,
    clock,
    random,
    durability: "off",
    ledgerKey: ledgerKey(SIMULATION_KEY),
  });
  try {
    const key = SIMULATION_KEY;
    const world = options.createWorld?.(clock, options.seed) ?? new World(clock, options.seed);
    for (const [index, plan] of brandPlans(options, random).entries()) {
      const brand = await store.write((tx) => seedBrand(tx, plan));
      const people = createContacts(index, Math.ceil(options.contacts / 2), random);
      let joined = 0;
      for (let at = 0; at < people.length; at += BATCH_CONTACTS) {
        const verdicts = await store.write((tx) => seedContacts(tx, brand, people.slice(at, at + BATCH_CONTACTS)));
        joined += verdicts.added ?? 0;
      }
      await store.write((tx) => launchSeededCampaign(tx, brand, joined));
    }
    const stopEvents = await runWorld({
      store,
      world,
      clock,
      random,
      post: { vault: openVault(key), signer: signer(key), publicUrl: "http://localhost:3000" },
      log: createLog("silent", clock),
      rates: options.faults ? DEFAULT_FAULT_RATES : NO_FAULTS,
      processes: options.faults && random() < 0.5 ? 2 : 1,
      clockJumps: options.faults ? 3 : 0,
      hostileBelow: -0.6,
      until: START_TIME + options.days * DAY,
      ...(options.onProgress ? { onProgress: options.onProgress } : {}),
    });
    return { seed: options.seed, ...(await checkInvariants(store, world, stopEvents)), crashes: stopEvents.crashes };
  } finally {
    await store.close();
    if (dialect === "sqlite") options.onEnd?.(Bun.file(join(dataDir, "reprise.db")).size);
    rmSync(dataDir, { recursive: true, force: true });
  }
}

const WEEKDAYS = ["MON", "TUE", "WED", "THU", "FRI"];

function brandPlans({ contacts }: SimulateOptions, random: Random): BrandSeed[] {
  return ["Northwind", "Contoso"].map((name, index) => {
    const mailboxes = Array.from({ length: 1 + index }, (_, box) => ({
      email: `team${box}@${name.toLowerCase()}.example`,
      displayName: `${name} team`,
      dailyLimit: Math.max(5, Math.ceil((contacts / 6) * (0.5 + random()))),
    }));
    // One simulation in four runs out of credits.
    const perContact = random() < 0.25 ? 1.5 : 4;
    return {
      name,
      timezone: index === 0 ? "America/New_York" : "Europe/Berlin",
      postalAddress: "1 Main Street, Springfield",
      ownerId: null,
      mailboxes,
      credits: Math.ceil(contacts * perContact),
      campaign: {
        name: `${name} spring`,
        sendWindows: random() < 0.5 ? [] : [{ days: WEEKDAYS, from: "09:00", to: "17:00" }],
        steps: [
          {
            delayDays: 0,
            subject: "Hello {{ firstName | default: 'there' }}",
            body: "Hi {{ firstName | default: 'there' }}, may I show you something?",
          },
          { delayDays: 2, subject: null, body: "Did you see my last mail, {{ firstName | default: 'friend' }}?" },
          { delayDays: 3, subject: null, body: "Last try, I promise." },
        ],
      },
    };
  });
}

function createContacts(brand: number, count: number, random: Random): ParsedRow[] {
  return Array.from({ length: count }, (_, index) => ({
    verdict: "ok",
    contact: {
      email: `person${index}-${Math.floor(random() * 1e6)}@brand${brand}.example`,
      phone: null,
      firstName: random() < 0.9 ? `Name${index}` : null,
      lastName: null,
      company: null,
      timezone: random() < 0.3 ? "Europe/London" : null,
      custom: {},
    },
  }));
}
