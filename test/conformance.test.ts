import { afterAll, afterEach, beforeAll, setDefaultTimeout } from "bun:test";
import { failingCases } from "./support/conformance/failing.ts";
import { type Ground, startGround } from "./support/conformance/ground.ts";
import { restartingCases } from "./support/conformance/restarting.ts";
import { sendingCases } from "./support/conformance/sending.ts";
import { stoppingCases } from "./support/conformance/stopping.ts";

// One set of cases for the delivery engine, on every size of deployment: SQLite, Postgres, and Postgres with BullMQ on one
// replica and on three (`startGround` starts a fleet: support/fleet.ts").

setDefaultTimeout(60_000);

let ground: Ground;
beforeAll(async () => {
  ground = await startGround();
});
afterEach(() => ground.expectOrder());
afterAll(() => ground.close());

sendingCases(() => ground);
stoppingCases(() => ground);
failingCases(() => ground);
restartingCases(() => ground);
