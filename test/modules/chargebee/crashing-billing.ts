// Receives one customer's events in a process that is killed before a chosen statement, or before or after a commit.

import { openStore } from "../../../src/db/open.ts";
import type { Store, Tx } from "../../../src/db/store.ts";
import { VirtualClock } from "../../../src/lib/clock.ts";
import { TEST_LEDGER_KEY } from "../../support/ledger-key.ts";
import { cleanEnvironment, runProgram } from "../../support/replica.ts";
import { receiveEvents } from "./credit-fixture.ts";
import { ChargebeeSite, type Event } from "./fake-site.ts";
import { CATALOG } from "./year-fixture.ts";

export const SCENARIO_ENDS_AT_MS = Date.UTC(2026, 10, 23, 9);

/** Returns the events of two invoices: one paid, refunded in part and failed late, one paid and voided. */
export function shortScenario(prefix: string, brandId: string): Event[] {
  const site = new ChargebeeSite(prefix, SCENARIO_ENDS_AT_MS / 1000 - 86_400, { meta_data: { brandId } });
  const plan = site.invoice({ lines: [{ item: "gold-USD-monthly", amount: 4999 }], subscription: `${prefix}sub` });
  site.pay(plan);
  const pack = site.invoice({ lines: [{ item: "pack-USD", amount: 1999, type: "charge_item_price" }] });
  site.now += 60;
  site.pay(pack);
  site.now += 60;
  site.refund(plan, 1234);
  site.unpay(plan, "late_failure");
  site.now += 60;
  site.void(pack);
  return site.events;
}

/** Wraps a store and calls `dies` with a running number before each statement, and before and after each commit. */
function countStatements(store: Store, dies: (statement: number) => void): Store {
  let statements = 0;
  const step = () => dies(++statements);
  const ASKS = new Set(["select", "selectDistinct", "insert", "update", "delete", "all"]);
  const watched = (tx: Tx): Tx =>
    new Proxy(tx, {
      get(target, name) {
        const found: unknown = Reflect.get(target, name);
        if (typeof found !== "function" || !ASKS.has(String(name))) return found;
        return (...given: unknown[]) => {
          step();
          return found.apply(target, given);
        };
      },
    });
  return {
    ...store,
    async write(work) {
      const result = await store.write(async (tx) => {
        const done = await work(watched(tx));
        // Before its commit, and after it.
        step();
        return done;
      });
      step();
      return result;
    },
  };
}

/** Runs this file as a process to its end. It prints the number of statements and commits; `diesAt` 0 kills it never. */
export function receiveInChildProcess(given: {
  folder: string;
  databaseUrl: string | null;
  prefix: string;
  brandId: string;
  diesAt: number;
}) {
  const env = {
    ...cleanEnvironment(given.folder),
    DATA_DIR: given.folder,
    ...(given.databaseUrl === null ? {} : { DATABASE_URL: given.databaseUrl }),
    PREFIX: given.prefix,
    BRAND: given.brandId,
    DIES_AT: String(given.diesAt),
  };
  return runProgram([process.execPath, import.meta.path], { cwd: given.folder, env });
}

if (import.meta.main) {
  const { DATA_DIR = "", DATABASE_URL, DIES_AT, PREFIX = "", BRAND = "" } = process.env;
  const clock = new VirtualClock(SCENARIO_ENDS_AT_MS);
  const store = await openStore({
    dataDir: DATA_DIR,
    databaseUrl: DATABASE_URL ?? null,
    clock,
    ledgerKey: TEST_LEDGER_KEY,
  });
  let statements = 0;
  const dying = countStatements(store, (statement) => {
    statements = statement;
    if (statement === Number(DIES_AT)) process.kill(process.pid, "SIGKILL");
  });
  await receiveEvents(dying, shortScenario(PREFIX, BRAND), CATALOG);
  await store.close();
  console.log(statements);
}
