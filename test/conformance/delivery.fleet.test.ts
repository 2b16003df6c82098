import { afterAll, afterEach, beforeAll, setDefaultTimeout } from "bun:test";
import { failingCases } from "./support/conformance/failing.ts";
import { type Ground, startGround } from "./support/conformance/ground.ts";
import { restartingCases } from "./support/conformance/restarting.ts";
import { sendingCases } from "./support/conformance/sending.ts";
import { stoppingCases } from "./support/conformance/stopping.ts";

// Runs one set of cases for the delivery engine on every size of deployment: SQLite, Postgres, and Postgres with BullMQ on one
// replica and on three.

setDefaultTimeout(60_000);

let context: Ground;
beforeAll(async () => {
  context = await startGround();
});
afterEach(() => context.expectConsistent());
afterAll(() => context.close());

sendingCases(() => context);
stoppingCases(() => context);
failingCases(() => context);
restartingCases(() => context);
