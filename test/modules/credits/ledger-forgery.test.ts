import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { sql } from "drizzle-orm";
import { ledgerKey } from "../../../src/lib/crypto/secrets.ts";
import { createAnchors, listHeads, parseAnchors } from "../../../src/modules/credits/anchor.ts";
import { Checkpoints } from "../../../src/modules/credits/checkpoints.ts";
import { recomputeLedgerMacs } from "../../../src/modules/credits/recompute-macs.ts";
import { verifyLedger } from "../../../src/modules/credits/verify.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { LedgerForger, type LedgerRows } from "./forger.ts";

// Forge credits as an attacker with write access to the database. Verification must name each forgery.

setDefaultTimeout(60_000);

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const verify = (brandId: string, checkpoints?: Checkpoints) =>
  app.store.snapshot((read) => verifyLedger(read, brandId, checkpoints));

/** Lists the faults as `SUBJECT FAULT`, with the sequence number for an entry. */
async function named(forger: LedgerForger, checkpoints?: Checkpoints): Promise<string[]> {
  const { ok, faults } = await verify(forger.brandId, checkpoints);
  expect(ok).toBe(false);
  return faults.map(({ subject, fault, seq }) => `${subject} ${fault}${subject === "ENTRY" ? ` ${seq}` : ""}`).sort();
}

/** Computes the seal without a key, as it was in earlier versions: any reader can compute it. */
function publicSeal({ id, brandId, seq, kind, amount, lotId, ...rest }: LedgerRows["entries"][number]): string {
  const { creditType, campaignId, messageId, reason, actorId, createdAt } = rest;
  const fields = [id, brandId, seq, kind, amount, lotId, creditType, campaignId, messageId, reason, actorId, createdAt];
  return String(createHash("sha256").update(JSON.stringify(fields)).digest().readUIntBE(0, 6));
}

const first = <Row>(rows: Row[]): Row => rows[0] as Row;
const last = <Row>(rows: Row[]): Row => rows.at(-1) as Row;

/** Adds a million credits to the entry, the lot and the account, so that all figures agree. */
function addCredits({ account, entries, lots }: LedgerRows): void {
  const more = 1_000_000_000;
  first(entries).amount += more;
  first(lots).granted += more;
  first(lots).remaining += more;
  account.granted += more;
  account.available += more;
}

const FORGERIES: [name: string, forge: (forger: LedgerForger) => Promise<unknown>, expected: string[]][] = [
  [
    "a million credits in entry, lot and account, with the digest without a key",
    (forger) =>
      forger.forge((rows) => {
        addCredits(rows);
        first(rows.entries).seal = publicSeal(first(rows.entries));
      }),
    ["ACCOUNT FORGED", "ENTRY FORGED 1", "LOT FORGED"],
  ],
  [
    "a million credits in entry, lot and account, with the seals as they were",
    (forger) => forger.forge(addCredits),
    ["ACCOUNT FORGED", "ENTRY FORGED 1", "LOT FORGED"],
  ],
  [
    "a million credits with the seal of another entry",
    (forger) =>
      forger.forge((rows) => {
        addCredits(rows);
        first(rows.entries).seal = last(rows.entries).seal;
      }),
    ["ACCOUNT FORGED", "ENTRY FORGED 1", "LOT FORGED"],
  ],
  [
    "an entry whose reason was changed",
    (forger) => forger.forge(({ entries }) => Object.assign(last(entries), { reason: "a gift" })),
    ["ENTRY CHANGED 8"],
  ],
  [
    "the last entries taken out, with account, lots and chain as they would be without them",
    (forger) =>
      forger.forge(({ account, entries, lots }) => {
        const taken = entries.splice(-2);
        account.entries -= taken.length;
        for (const { amount } of taken) {
          account.available += amount;
          account.reserved -= amount;
          const lot = lots.find(({ id }) => id === last(taken).lotId);
          if (lot) lot.remaining += amount;
        }
      }),
    ["ACCOUNT FORGED"],
  ],
  [
    "the last entry taken out",
    (forger) => forger.run(sql`delete from ledger_entries where brand_id = ${forger.brandId} and seq = 8`),
    ["ENTRY MISSING 8"],
  ],
  [
    "an entry put in at the end, with all figures adjusted",
    (forger) =>
      forger.forge(({ account, entries, lots }) => {
        entries.push({ ...first(entries), id: crypto.randomUUID(), seq: 9 });
        account.entries++;
        account.granted += 10_000;
        account.available += 10_000;
        first(lots).granted += 10_000;
        first(lots).remaining += 10_000;
      }),
    ["ACCOUNT FORGED", "ENTRY FORGED 9", "LOT FORGED"],
  ],
  [
    "two entries with swapped numbers",
    (forger) =>
      forger.forge(({ entries }) => {
        const [one, other] = [first(entries), last(entries)];
        [one.seq, other.seq] = [other.seq, one.seq];
        entries.sort((a, b) => a.seq - b.seq);
      }),
    ["ACCOUNT FORGED", "ENTRY FORGED 1", "ENTRY FORGED 8"],
  ],
  [
    "the account of a brand with more credits",
    async (forger) => {
      const rich = await LedgerForger.begin(app.store);
      await rich.give(90_000_000);
      const { account } = await rich.rows();
      await forger.forge((rows) => Object.assign(rows.account, { ...account, brandId: forger.brandId }), {
        rechain: false,
      });
    },
    ["ACCOUNT FORGED", "ENTRY MISSING 9"],
  ],
  [
    "a lot of another brand",
    async (forger) => {
      const rich = await LedgerForger.begin(app.store);
      const { lots } = await rich.rows();
      await forger.run(sql`update credit_lots set brand_id = ${forger.brandId} where id = ${first(lots).id}`);
    },
    ["LOT INSERTED"],
  ],
  [
    "a lot that expires later",
    (forger) => forger.forge(({ lots }) => Object.assign(first(lots), { expiresAt: 9_999_999_999_999 })),
    ["LOT FORGED"],
  ],
  [
    "a lot that was granted as more",
    (forger) => forger.forge(({ lots }) => Object.assign(first(lots), { granted: 5_000_000 })),
    ["LOT CHANGED"],
  ],
  [
    "a lot put in, and its credits in the account",
    (forger) =>
      forger.forge(({ account, lots }) => {
        lots.push({ ...first(lots), id: crypto.randomUUID(), source: null, granted: 5000, remaining: 5000 });
        account.granted += 5000;
        account.available += 5000;
      }),
    ["ACCOUNT CHANGED", "LOT INSERTED"],
  ],
  ["a lot taken out", (forger) => forger.forge(({ lots }) => lots.splice(0, 1)), ["LOT MISSING"]],
  [
    "an account taken out",
    (forger) => forger.run(sql`delete from credit_accounts where brand_id = ${forger.brandId}`),
    ["ACCOUNT MISSING"],
  ],
  [
    "an account whose balance was changed consistently",
    (forger) =>
      forger.forge(({ account }) => {
        account.available += 1000;
        account.used -= 1000;
      }),
    ["ACCOUNT CHANGED"],
  ],
  [
    "seals that were blanked",
    (forger) =>
      forger.forge(({ account, entries, lots }) => {
        for (const row of [account, ...entries.slice(0, 1), ...lots]) row.seal = "";
      }),
    ["ACCOUNT FORGED", "ENTRY FORGED 1", "LOT FORGED", "LOT FORGED"],
  ],
  [
    "an earlier account put back",
    async (forger) => {
      const { account } = await forger.rows();
      await forger.send();
      await forger.forge((rows) => Object.assign(rows.account, account), { rechain: false });
    },
    ["ACCOUNT REPLAYED"],
  ],
  [
    "an earlier lot put back, which had not expired yet",
    async (forger) => {
      const { lots } = await forger.rows();
      const subscription = lots.find(({ source }) => source === forger.subscription);
      await forger.endSubscription();
      await forger.forge((rows) => {
        const lot = rows.lots.find(({ id }) => id === subscription?.id);
        Object.assign(lot ?? {}, { expiresAt: subscription?.expiresAt, seal: subscription?.seal });
      });
    },
    ["LOT REPLAYED"],
  ],
  [
    "an entry of a copy of the database, sealed there for the same number",
    async (forger) => {
      const before = await forger.rows();
      await forger.give(500_000);
      const copy = last((await forger.rows()).entries);
      await forger.put(before);
      await forger.give(1000);
      await forger.forge(
        ({ account, entries, lots }) => {
          const lot = lots.find(({ id }) => id === last(entries).lotId);
          Object.assign(last(entries), copy, { lotId: copy.lotId });
          if (lot) Object.assign(lot, { id: copy.lotId, granted: copy.amount, remaining: copy.amount });
          account.granted += 499_000;
          account.available += 499_000;
        },
        { rechain: false },
      );
    },
    ["ACCOUNT FORGED", "LOT FORGED"],
  ],
];

describe("verifyLedger: forgery by SQL", () => {
  test.each(FORGERIES)("%s: is reported as the expected faults", async (_, forge, expected) => {
    const forger = await LedgerForger.begin(app.store);
    expect(await verify(forger.brandId)).toMatchObject({ ok: true, drifts: [], faults: [] });
    await forge(forger);
    expect(await named(forger)).toEqual(expected);
  });

  test("amounts moved from one hold to another: both holds are reported", async () => {
    const forger = await LedgerForger.begin(app.store);
    const holds = sql`select message_id from credit_holds where brand_id = ${forger.brandId} order by message_id`;
    const [one, other] = await app.store.read.all<{ message_id: string }>(holds);
    const set = (id: string | undefined, by: number) =>
      sql`update credit_holds set amount = amount + ${by} where message_id = ${id ?? ""}`;
    await forger.run(set(one?.message_id, 1000), set(other?.message_id, -1000));
    const { drifts } = await verify(forger.brandId);
    expect(drifts.map(({ what }) => what).sort()).toEqual(
      [one, other].map((hold) => `hold of message ${hold?.message_id}`).sort(),
    );
  });
});

describe("ledger anchor kept outside the database", () => {
  const keep = async () => {
    const { read } = app.store;
    return createAnchors(read.ledgerKey, "2026-11-28T09:00:00.000Z", await listHeads(read)).map((anchor) =>
      JSON.stringify(anchor),
    );
  };
  const parse = (lines: string[]) => parseAnchors(app.store.read.ledgerKey, lines.join("\n"));

  test("reports a brand rolled back to an earlier state, which verification without anchors cannot detect", async () => {
    const forger = await LedgerForger.begin(app.store);
    const before = await forger.rows();
    const first = await keep();
    await forger.send();
    const second = await keep();
    expect(await verify(forger.brandId, new Checkpoints(parse([...first, ...second]).checkpoints))).toMatchObject({
      ok: true,
    });
    await forger.put(before);
    expect(await verify(forger.brandId)).toMatchObject({ ok: true });
    expect(await named(forger, new Checkpoints(parse([...first, ...second]).checkpoints))).toEqual([
      "ACCOUNT ROLLED_BACK",
    ]);
    expect(await verify(forger.brandId, new Checkpoints(parse(first).checkpoints))).toMatchObject({ ok: true });
    // Continued from the earlier state, the ledger has the same length but another head.
    await forger.send();
    expect(await verify(forger.brandId)).toMatchObject({ ok: true });
    const { faults } = await verify(forger.brandId, new Checkpoints(parse(second).checkpoints));
    expect(faults).toMatchObject([{ fault: "ROLLED_BACK", detail: expect.stringContaining("no continuation of it") }]);
  });

  test("reports a brand whose whole ledger was deleted", async () => {
    const forger = await LedgerForger.begin(app.store);
    const kept = new Checkpoints(parse(await keep()).checkpoints);
    await forger.run(
      ...["ledger_entries", "credit_holds", "credit_lots", "credit_accounts"].map(
        (table) => sql`delete from ${sql.raw(table)} where brand_id = ${forger.brandId}`,
      ),
    );
    expect(await verify(forger.brandId)).toMatchObject({ ok: true, entries: 0 });
    expect(await named(forger, kept)).toEqual(["ACCOUNT ROLLED_BACK"]);
  });

  test("a line changed or written without the key is ignored and reported as a bad line", async () => {
    const forger = await LedgerForger.begin(app.store);
    const [line = ""] = (await keep()).filter((text) => text.includes(forger.brandId));
    const forged = line.replace(`"${forger.brandId}",8,`, `"${forger.brandId}",7,`);
    expect(forged).not.toBe(line);
    const { records, badLines, checkpoints } = parse(["a line of a log", "{}", "null", line, forged]);
    expect([records, badLines]).toEqual([2, [5]]);
    expect(checkpoints.filter(({ brandId }) => brandId === forger.brandId)).toHaveLength(1);
    expect(parseAnchors(ledgerKey(new Uint8Array(32).fill(9)), line).badLines).toEqual([1]);
  });
});

test("recomputeLedgerMacs: a ledger signed with another key is reported as OTHER_KEY and verifies after its MACs are recomputed", async () => {
  const forger = await LedgerForger.begin(app.store);
  const other = ledgerKey(new Uint8Array(32).fill(9));
  const { faults } = await app.store.snapshot((read) =>
    verifyLedger(Object.assign(Object.create(read), { ledgerKey: other }), forger.brandId),
  );
  expect(new Set(faults.map(({ fault }) => fault))).toEqual(new Set(["OTHER_KEY"]));
  expect(faults.map(({ subject }) => subject).sort()).toEqual(["ACCOUNT", "ENTRY", "LOT", "LOT"]);
  await forger.forge((rows) => {
    for (const row of [rows.account, ...rows.entries, ...rows.lots]) row.seal = "abcd.of a key that is lost";
  });
  expect(await named(forger)).toEqual(["ACCOUNT OTHER_KEY", "ENTRY OTHER_KEY 1", "LOT OTHER_KEY", "LOT OTHER_KEY"]);
  await recomputeLedgerMacs(app.store);
  expect(await verify(forger.brandId)).toMatchObject({ ok: true, entries: 8 });
  await forger.send();
  expect(await verify(forger.brandId)).toMatchObject({ ok: true, entries: 10 });
});
