import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { emailAccounts } from "../src/db/schema/senders.ts";
import { sendNonsense } from "./support/hostile.ts";
import { firstMailbox, mailboxIds, mover } from "./support/mailboxes.ts";
import { type Outreach, startOutreach } from "./support/outreach.ts";
import type { Stage } from "./support/stage.ts";

setDefaultTimeout(20_000);

const ONE = "/api/auth/admin/assign-email-account";
const MANY = "/api/auth/admin/bulk-assign-email-accounts";
const NOWHERE = "019a8a3e-5a00-7000-8000-000000000001";

interface Answer {
  success: boolean;
  message: string;
  previousBrandName: string | null;
  assignedCount: number;
  reassignedAccounts: { email: string; previousBrandName: string }[];
  unknownIds: string[];
}

let world: Outreach;
let admin: Stage["request"];
beforeAll(async () => {
  world = await startOutreach();
});
// Anew each time: days pass in these tests, and sessions end.
beforeEach(async () => {
  admin = await world.admin();
});
afterEach(async () => {
  await world.clear();
  expect(await world.drifts()).toEqual([]);
});
afterAll(() => world.close());

const idsOf = (stage: Stage) => mailboxIds(world, stage);
const firstOf = (stage: Stage) => firstMailbox(world, stage);
const move = (id: string, to: Stage) => mover(admin)(id, to);
async function nameOf({ request, brandId }: Stage): Promise<string> {
  return (await request<{ brand: { name: string } }>("GET", `/api/brands/${brandId}`)).body.brand.name;
}
describe("one mailbox", () => {
  test("moves, and says which brand lost it", async () => {
    const [from, to] = [await world.stage(), await world.stage()];
    const id = await firstOf(from);
    expect(await move(id, to)).toMatchObject({ success: true, previousBrandName: await nameOf(from) });
    // There already: a success that changes nothing.
    expect(await move(id, to)).toMatchObject({ success: true, previousBrandName: null });
    await world.store.write((tx) => tx.update(emailAccounts).set({ brandId: null }).where(eq(emailAccounts.id, id)));
    expect(await move(id, to)).toMatchObject({ success: true, previousBrandName: null });
    expect(await idsOf(to)).toContain(id);
    expect((await to.request("GET", `/api/email-accounts/${id}`)).status).toBe(200);
    expect((await from.request("GET", `/api/email-accounts/${id}`)).status).toBe(404);
  });

  test("is found, and so is its brand", async () => {
    const stage = await world.stage();
    const id = await firstOf(stage);
    expect((await admin("POST", ONE, { accountId: NOWHERE, brandId: stage.brandId })).status).toBe(404);
    expect((await admin("POST", ONE, { accountId: id, brandId: NOWHERE })).status).toBe(404);
    expect((await stage.request("POST", ONE, { accountId: id, brandId: stage.brandId })).status).toBe(403);
    await sendNonsense({ ...stage, request: admin }, "POST", ONE, { accountId: NOWHERE, brandId: stage.brandId });
    await sendNonsense({ ...stage, request: admin }, "POST", MANY, { accountIds: [NOWHERE], brandId: stage.brandId });
  });

  test("moves once under one Idempotency-Key", async () => {
    const [from, to] = [await world.stage(), await world.stage()];
    const order = { accountId: await firstOf(from), brandId: to.brandId };
    const first = await admin<Answer>("POST", ONE, order, { "idempotency-key": "move" });
    const again = await admin<Answer>("POST", ONE, order, { "idempotency-key": "move" });
    expect(again.text).toBe(first.text);
    expect(first.body.previousBrandName).toBe(await nameOf(from));
  });
});

describe("many mailboxes", () => {
  test("move together: those that came, and those that were taken", async () => {
    const [from, to] = [await world.stage({ mailboxes: 3 }), await world.stage()];
    const [taken, free, already] = [await idsOf(from), await firstOf(from), await firstOf(to)];
    await world.store.write((tx) => tx.update(emailAccounts).set({ brandId: null }).where(eq(emailAccounts.id, free)));
    const order = { accountIds: [...taken, ...taken, already], brandId: to.brandId };
    const { status, body } = await admin<Answer>("POST", MANY, order);
    expect(status).toBe(200);
    expect(body.assignedCount).toBe(3);
    expect(body.reassignedAccounts).toHaveLength(2);
    for (const account of body.reassignedAccounts) expect(account.previousBrandName).toBe(await nameOf(from));
    expect(await idsOf(to)).toHaveLength(4);
    const none = await admin<Answer>("POST", MANY, { accountIds: [], brandId: to.brandId });
    expect(none.body).toMatchObject({ success: true, assignedCount: 0, reassignedAccounts: [] });
  });

  test("stay where they are when one is unknown", async () => {
    const [from, to] = [await world.stage({ mailboxes: 2 }), await world.stage()];
    const order = { accountIds: [...(await idsOf(from)), NOWHERE, "gone"], brandId: to.brandId };
    const { status, body } = await admin<Answer>("POST", MANY, order);
    expect(status).toBe(404);
    expect(body.unknownIds.sort()).toEqual([NOWHERE, "gone"]);
    expect(await idsOf(from)).toHaveLength(2);
    const many = { accountIds: Array.from({ length: 1001 }, (_, n) => `box${n}`), brandId: to.brandId };
    expect((await admin("POST", MANY, many)).status).toBe(422);
  });
});
