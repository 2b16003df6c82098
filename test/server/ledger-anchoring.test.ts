import { afterAll, beforeAll, expect, test } from "bun:test";
import { parseAnchors } from "../../src/modules/credits/anchor.ts";
import { Anchoring } from "../../src/server/ledger-anchoring.ts";
import { LedgerForger } from "../modules/credits/forger.ts";
import { startApp, type TestApp } from "../support/app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const brandsOf = (text: string) =>
  parseAnchors(app.store.read.ledgerKey, text).checkpoints.map(({ brandId, entries }) => [brandId, entries]);

test("ledger anchors to a webhook: checkpoints of a refused request are sent again with the next ones, unchanged brands are not sent", async () => {
  const bodies: string[] = [];
  let status = 500;
  const receiver = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      if (status === 200) bodies.push(await request.text());
      return new Response(null, { status });
    },
  });
  const anchoring = new Anchoring({ kind: "webhook", url: receiver.url.href }, app.deps);
  const one = await LedgerForger.begin(app.store);
  await expect(anchoring.write()).rejects.toThrow("answered 500");
  status = 200;
  const other = await LedgerForger.begin(app.store);
  await anchoring.write();
  expect(bodies.flatMap(brandsOf).sort()).toEqual(
    [one, other].map(({ brandId }): [string, number] => [brandId, 8]).sort(),
  );
  bodies.length = 0;
  await anchoring.write();
  expect(bodies).toEqual([]);
  await one.send();
  await anchoring.write();
  expect(bodies.map(brandsOf)).toEqual([[[one.brandId, 10]]]);
  await receiver.stop(true);
});

test("ledger anchors to the log: the checkpoints are parsed from the log output", async () => {
  const forger = await LedgerForger.begin(app.store);
  await new Anchoring({ kind: "log" }, app.deps).write();
  expect(brandsOf(app.logged.join(""))).toContainEqual([forger.brandId, 8]);
});
