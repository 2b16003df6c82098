import { afterAll, afterEach, beforeAll, setDefaultTimeout } from "bun:test";
import { type ConformanceContext, createConformanceContext } from "./context.ts";
import { failingCases } from "./failing.ts";
import { restartingCases } from "./restarting.ts";
import { sendingCases } from "./sending.ts";
import { stoppingCases } from "./stopping.ts";

// Runs one set of cases for the delivery engine on every size of deployment: SQLite, Postgres, and Postgres with BullMQ on one
// replica and on three.

setDefaultTimeout(60_000);

let context: ConformanceContext;
beforeAll(async () => {
  context = await createConformanceContext();
});
afterEach(() => context.expectConsistent());
afterAll(() => context.close());

sendingCases(() => context);
stoppingCases(() => context);
failingCases(() => context);
restartingCases(() => context);
