import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type SQL, sql } from "drizzle-orm";
import { hold, release, settle } from "../../../src/modules/credits/holds.ts";
import { grant } from "../../../src/modules/credits/ledger.ts";
import { verifyLedger } from "../../../src/modules/credits/verify.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";

setDefaultTimeout(60_000);

let world: OutreachApp;
beforeAll(async () => {
  world = await startOutreachApp();
});
afterAll(() => world.close());

interface Written {
  brandId: string;
  lots: string[];
  /** Finds the id and number of the entry of a kind. */
  entry(kind: string): { id: string; seq: number };
}

/** Creates a brand with two lots, one sent message and one released message: six entries. */
async function writeLedger(): Promise<Written> {
  const { brandId } = await world.createDraft({ people: 0, credits: 0 });
  const [sent, kept] = [crypto.randomUUID(), crypto.randomUUID()];
  const ask = (messageId: string) =>
    ({ messageId, brandId, campaignId: brandId, creditType: "EMAIL", amount: 1500, weight: 1500 }) as const;
  const give = (amount: number) =>
    world.store.write((tx) => grant(tx, { brandId, amount, kind: "PURCHASED", reason: "pack" }));
  await give(10_000);
  await give(20_000);
  await world.store.write((tx) => hold(tx, [ask(sent), ask(kept)]));
  await world.store.write((tx) => settle(tx, [sent]));
  await world.store.write((tx) => release(tx, [kept], "REPLIED"));
  const entries = await world.store.read.all<{ id: string; seq: number; kind: string }>(
    sql`select id, seq, kind from ledger_entries where brand_id = ${brandId} order by seq`,
  );
  expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
  const lots = await world.store.read.all<{ id: string }>(
    sql`select id from credit_lots where brand_id = ${brandId} and granted > 0 order by id`,
  );
  return {
    brandId,
    lots: lots.map(({ id }) => id),
    entry(kind) {
      const found = entries.find((entry) => entry.kind === kind);
      if (!found) throw new Error(`no ${kind} was written`);
      return found;
    },
  };
}

const byHand = (statement: SQL) => world.store.write((tx) => tx.all(statement));

/** Changes the ledger by SQL, verifies it over the API, and undoes the change. */
async function tamper(by: SQL[], undo: SQL[]) {
  for (const statement of by) await byHand(statement);
  const admin = await world.admin();
  const { body } = await admin<{ ok: boolean; faults: object[]; drifts: { brandId: string; what: string }[] }>(
    "POST",
    "/api/auth/admin/verify-ledger",
    {},
  );
  for (const statement of undo) await byHand(statement);
  const after = await world.store.snapshot((read) => verifyLedger(read));
  expect({ drifts: after.drifts, faults: after.faults }).toEqual({ drifts: [], faults: [] });
  expect(body.ok).toBe(false);
  return body;
}

test("verify-ledger: a changed amount is reported with the original amount and the difference", async () => {
  const { brandId, entry } = await writeLedger();
  const { id, seq } = entry("SETTLE");
  const set = (amount: number) => sql`update ledger_entries set amount = ${amount} where id = ${id}`;
  const { faults, drifts } = await tamper([set(15_000)], [set(1500)]);
  expect(faults).toEqual([
    {
      brandId,
      subject: "ENTRY",
      entryId: id,
      seq,
      fault: "CHANGED",
      difference: 13.5,
      detail: "was changed: it is a SETTLE of 15 credits, and was written as 1.5 credits",
    },
  ]);
  expect(drifts).toContainEqual({ brandId, what: "account used", expected: 15, found: 1.5 } as never);
});

test("verify-ledger: a changed kind, lot or brand is reported with its original value", async () => {
  const { brandId, entry, lots } = await writeLedger();
  const other = await writeLedger();
  const { id, seq } = entry("RELEASE");
  const changeColumn = async (column: string, value: string, was: string) => {
    const set = (to: string) => sql`update ledger_entries set ${sql.raw(column)} = ${to} where id = ${id}`;
    return (await tamper([set(value)], [set(was)])).faults;
  };
  const fault = { subject: "ENTRY", entryId: id, seq, fault: "CHANGED", difference: 1.5 };
  expect(await changeColumn("kind", "SETTLE", "RELEASE")).toEqual([
    { ...fault, brandId, detail: "was changed: it is a SETTLE of 1.5 credits, and was written as RELEASE" },
  ]);
  expect(await changeColumn("kind", "NONSENSE", "RELEASE")).toEqual([
    { ...fault, brandId, detail: "was changed: it is a NONSENSE of 1.5 credits, and was written as RELEASE" },
  ]);
  expect(await changeColumn("lot_id", lots[1] ?? "", lots[0] ?? "")).toEqual([
    { ...fault, brandId, detail: `was changed: it is a RELEASE of 1.5 credits, and was written as lot ${lots[0]}` },
  ]);
  // The other brand already has an entry of that number, so use the next one.
  const move = (to: string, number: number) =>
    sql`update ledger_entries set brand_id = ${to}, seq = ${number} where id = ${id}`;
  expect((await tamper([move(other.brandId, 7)], [move(brandId, seq)])).faults).toContainEqual({
    ...fault,
    brandId: other.brandId,
    seq: 7,
    detail: `was changed: it is a RELEASE of 1.5 credits, and was written as brand ${brandId}, number ${seq}`,
  } as never);
  // Change a column that only the seal covers.
  const reason = (text: string | null) => sql`update ledger_entries set reason = ${text} where id = ${id}`;
  expect((await tamper([reason("other")], [reason("REPLIED")])).faults).toEqual([
    { ...fault, brandId, difference: null, detail: "was changed: it is now a RELEASE of 1.5 credits" },
  ]);
});

const COLUMNS = sql.raw(
  "brand_id, seq, kind, amount, lot_id, credit_type, campaign_id, message_id, reason, actor_id, created_at, seal, part",
);

test("verify-ledger: a deleted entry is reported by its number, with its kind and amount derived", async () => {
  const { brandId, entry } = await writeLedger();
  for (const kind of ["SETTLE", "RELEASE"]) {
    const { id, seq } = entry(kind);
    await byHand(sql`create table kept as select * from ledger_entries where id = ${id}`);
    const { faults } = await tamper(
      [sql`delete from ledger_entries where id = ${id}`],
      [sql`insert into ledger_entries (id, ${COLUMNS}) select id, ${COLUMNS} from kept`, sql`drop table kept`],
    );
    const detail = `is missing: a ${kind} of 1.5 credits`;
    const gone = { brandId, subject: "ENTRY", entryId: null, seq, fault: "MISSING", difference: -1.5, detail };
    expect(faults).toEqual([gone]);
  }
});

test("verify-ledger: an inserted entry, copied or invented, is reported", async () => {
  const { brandId, entry, lots } = await writeLedger();
  const grantEntry = entry("GRANT");
  const away = sql`delete from ledger_entries where id = 'forged'`;
  const rest = sql.raw(
    "kind, amount, lot_id, credit_type, campaign_id, message_id, reason, actor_id, created_at, seal, part",
  );
  const copy = sql`insert into ledger_entries (id, brand_id, seq, ${rest})
    select 'forged', brand_id, 7, ${rest} from ledger_entries where id = ${grantEntry.id}`;
  const fault = { brandId, subject: "ENTRY", entryId: "forged", fault: "INSERTED", seq: 7 };
  expect((await tamper([copy], [away])).faults).toEqual([
    { ...fault, difference: 10, detail: "was inserted: a GRANT of 10 credits" },
  ]);
  const made = sql`insert into ledger_entries (id, brand_id, seq, kind, amount, lot_id, created_at, seal)
    values ('forged', ${brandId}, 0, 'GRANT', 5000, ${lots[0]}, 0, '')`;
  expect((await tamper([made], [away])).faults).toEqual([
    { ...fault, seq: 0, difference: 5, detail: "was inserted: a GRANT of 5 credits" },
  ]);
});

test("verify-ledger: a lot, a campaign figure and a hold that do not follow from the entries are reported as drifts", async () => {
  const { brandId, lots } = await writeLedger();
  const set = (table: string, column: string, value: number, key: string, id: string) =>
    sql`update ${sql.raw(table)} set ${sql.raw(column)} = ${value} where ${sql.raw(key)} = ${id}`;
  const lot = (value: number) => set("credit_lots", "remaining", value, "id", lots[0] ?? "");
  expect((await tamper([lot(9000)], [lot(8500)])).drifts).toEqual([
    { brandId, what: `lot ${lots[0]} remaining`, expected: 8.5, found: 9 } as never,
  ]);
  const campaign = (value: number) => set("campaign_credits", "used", value, "campaign_id", brandId);
  expect((await tamper([campaign(0)], [campaign(1500)])).drifts).toMatchObject([
    { what: `campaign ${brandId} EMAIL used`, expected: 1.5, found: 0 },
  ]);
  const held = sql`insert into credit_holds (message_id, lot_id, brand_id, campaign_id, credit_type, amount, weight)
    values ('forged', ${lots[0]}, ${brandId}, ${brandId}, 'EMAIL', 1000, 1000)`;
  expect((await tamper([held], [sql`delete from credit_holds where message_id = 'forged'`])).drifts).toMatchObject([
    { brandId, what: "open holds", expected: 0, found: 1 },
    { brandId, what: "hold of message forged", expected: 0, found: 1 },
  ]);
});
