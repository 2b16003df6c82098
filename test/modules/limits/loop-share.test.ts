import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Admission, type AdmissionPass, createAdmission } from "../../../src/modules/limits/admission.ts";
import { startApp, type TestApp } from "../../support/app.ts";

setDefaultTimeout(60_000);

let app: TestApp;
let admission: Admission;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

function work(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** Makes one request that blocks the event loop; returns the seconds to wait when it is refused, otherwise 0. */
async function request(brandId: string, milliseconds: number): Promise<number> {
  let pass: AdmissionPass;
  try {
    pass = await admission.admit({ userId: `owner of ${brandId}`, brandId }, "read", () => {});
  } catch (error) {
    return (error as { retryAfterSeconds: number }).retryAfterSeconds;
  }
  work(milliseconds);
  pass.end?.();
  admission.ended();
  // Let the event loop run its timers.
  await new Promise((resolve) => setTimeout(resolve, 0));
  return 0;
}

test("admission: a brand that keeps the event loop busy is refused for a while, and another brand is always served", async () => {
  admission = createAdmission(app.deps);
  const refused = { greedy: 0, calm: 0 };
  let wait = 0;
  for (let n = 0; n < 400 && wait === 0; n++) {
    wait = await request("greedy", 40);
    if (wait > 0) refused.greedy++;
    if ((await request("calm", 2)) > 0) refused.calm++;
  }
  expect(refused).toEqual({ greedy: 1, calm: 0 });
  expect(wait).toBeGreaterThan(0);
  for (let n = 0; n < 20; n++) expect(await request("calm", 2)).toBe(0);
});

test("admission: a brand that is alone may keep the event loop busy", async () => {
  admission = createAdmission(app.deps);
  for (let n = 0; n < 80; n++) expect(await request("greedy", 40)).toBe(0);
});
