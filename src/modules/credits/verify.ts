import { sql } from "drizzle-orm";
import { yieldToEventLoop } from "../../db/slices.ts";
import type { Reader } from "../../db/store.ts";
import { checkAccount, checkLot, hasValidMac, type StoredAccount, type StoredLot } from "./account-check.ts";
import { Checkpoints } from "./checkpoints.ts";
import { BALANCE_FIELDS, LOT_FIELDS } from "./effects.ts";
import { LedgerFold } from "./fold.ts";
import { entryMac, macKeyId } from "./mac.ts";
import {
  type BrandMismatch,
  explainSuspects,
  type StoredEntry,
  type SuspectRows,
  type TamperFinding,
} from "./tamper-report.ts";
import {
  brandCondition,
  type Compare,
  compareCampaigns,
  compareHolds,
  compareRefunds,
  toNumber,
} from "./verify-figures.ts";

/** A figure that differs from the sum of the entries. Thousandths of a credit. */
interface Mismatch {
  brandId: string;
  what: string;
  expected: number;
  found: number;
}

export interface LedgerReport {
  ok: boolean;
  brands: number;
  entries: number;
  drifts: Mismatch[];
  /** Rows that were tampered with, MAX_REPORTED at most. */
  faults: TamperFinding[];
}

/** Entries of one page, which limits the memory of a verification. */
const PAGE_ROWS = 2000;
/** Findings reported at most. */
const MAX_REPORTED = 100;

/** Streams all entries, brand by brand, in the order of their numbers. */
async function* streamEntries(read: Reader, brandId: string | null): AsyncGenerator<StoredEntry[]> {
  for (let brand = brandId ?? "", seq = Number.MIN_SAFE_INTEGER; ; ) {
    const page =
      await read.all<StoredEntry>(sql`select e.id, e.brand_id as "brandId", e.seq, e.kind, e.amount, e.lot_id as "lotId",
        e.credit_type as "creditType", e.campaign_id as "campaignId", e.message_id as "messageId", e.reason,
        e.actor_id as "actorId", e.created_at as "createdAt", e.seal
      from ledger_entries e where (e.brand_id, e.seq) > (${brand}, ${seq}) ${brandCondition("e", brandId)} order by e.brand_id, e.seq limit ${PAGE_ROWS}`);
    const last = page.at(-1);
    if (!last) return;
    yield page;
    brand = last.brandId;
    seq = last.seq;
    await yieldToEventLoop();
  }
}

/**
 * Verifies the ledger: compares the sum of all entries with the accounts, lots, open holds and campaigns and with the identity
 * granted = available + reserved + used + expired + clawed back, and checks the MAC of every entry, account and lot. Reports
 * each figure that differs and each row that was tampered with. Call it with a snapshot.
 * @param brandId null verifies the ledgers of all brands
 * @param checkpoints the states that anchors recorded
 */
export async function verifyLedger(
  read: Reader,
  brandId: string | null = null,
  checkpoints = new Checkpoints(),
): Promise<LedgerReport> {
  const fold = new LedgerFold();
  const suspects: SuspectRows = { suspectEntries: [], brands: new Map() };
  const otherKeys = new OtherKeys();
  for await (const page of streamEntries(read, brandId)) {
    for (const entry of page) {
      const isVerified = entryMac(read.ledgerKey, entry) === entry.seal;
      fold.add(entry, entry.seal, isVerified);
      checkpoints.check(entry, fold.brands.get(entry.brandId)?.head ?? "");
      if (isVerified) continue;
      if (otherKeys.add(read.ledgerKey.id, entry)) continue;
      if (suspects.suspectEntries.length < MAX_REPORTED) suspects.suspectEntries.push(entry);
    }
  }
  const drifts: Mismatch[] = [];
  const compare: Compare = (brandId, what, expected, found) => {
    if (expected !== found) drifts.push({ brandId, what, expected, found });
  };
  const rows = { read, brandId, fold, compare };
  const { accounts, faults } = await compareAccounts(rows, suspects);
  faults.push(...(await compareLots(rows)));
  await compareCampaigns(rows);
  await compareHolds(rows);
  await compareRefunds(rows);
  faults.unshift(...(await explainSuspects(read, suspects)));
  faults.push(...otherKeys.faults(), ...checkpoints.findings(fold, brandId));
  const ok = drifts.length === 0 && faults.length === 0;
  return { ok, brands: accounts, entries: fold.entries, drifts, faults: faults.slice(0, MAX_REPORTED) };
}

/** Collects entries that were signed with another key, and reports one for each brand and key. */
class OtherKeys {
  readonly #faults = new Map<string, { fault: TamperFinding; count: number }>();

  add(keyId: string, { brandId, seq, seal }: StoredEntry): boolean {
    const other = macKeyId(seal);
    if (other === keyId || !/^[\w-]{4}$/.test(other)) return false;
    const known = this.#faults.get(`${brandId} ${other}`);
    const base = { brandId, subject: "ENTRY", entryId: null, seq, fault: "OTHER_KEY", difference: null } as const;
    const detail = `and later ones were signed with another key (${other}) than the current one (${keyId})`;
    this.#faults.set(`${brandId} ${other}`, known ?? { fault: { ...base, detail }, count: 1 });
    return true;
  }

  faults(): TamperFinding[] {
    return [...this.#faults.values()].map(({ fault }) => fault);
  }
}

interface Rows {
  read: Reader;
  brandId: string | null;
  fold: LedgerFold;
  compare: Compare;
}

async function compareAccounts(
  { read, brandId, fold, compare }: Rows,
  suspects: SuspectRows,
): Promise<{ accounts: number; faults: TamperFinding[] }> {
  const accounts =
    await read.all<StoredAccount>(sql`select brand_id as "brandId", granted, available, reserved, used, expired,
    clawed_back as "clawedBack", debt, entries, head, seal from credit_accounts a where true ${brandCondition("a", brandId)} order by brand_id`);
  const faults: TamperFinding[] = [];
  const remaining = new Map(fold.brands);
  for (const account of accounts) {
    const { brandId, entries, granted, available, reserved, used, expired, clawedBack } = account;
    const folded = remaining.get(brandId);
    remaining.delete(brandId);
    const mismatch: BrandMismatch = {};
    for (const field of BALANCE_FIELDS) {
      const expected = folded?.balances[field] ?? 0;
      compare(brandId, `account ${field}`, expected, account[field]);
      if (expected !== account[field]) mismatch[field] = expected - account[field];
    }
    compare(brandId, "identity", granted, available + reserved + used + expired + clawedBack);
    const isMiscounted = (folded?.entries ?? 0) !== entries || (folded?.seqSum ?? 0) !== (entries * (entries + 1)) / 2;
    const isHeadIntact = hasValidMac(read.ledgerKey, account) && (folded?.head ?? "") === account.head;
    suspects.brands.set(brandId, { entries, isHeadIntact, isMiscounted, mismatch });
    const fault = checkAccount(read.ledgerKey, account, folded);
    if (fault) faults.push(fault);
  }
  for (const [brandId, { balances, lastVerifiedSeq: seq }] of remaining) {
    compare(brandId, "account is missing", balances.granted, 0);
    const detail = "the account of these entries is missing";
    faults.push({ brandId, subject: "ACCOUNT", entryId: null, seq, fault: "MISSING", difference: null, detail });
  }
  return { accounts: accounts.length, faults };
}

async function compareLots({ read, brandId, fold, compare }: Rows): Promise<TamperFinding[]> {
  const lots = await read.all<StoredLot & Record<(typeof LOT_FIELDS)[number], number>>(
    sql`select l.id, l.brand_id as "brandId", l.kind, l.granted, l.expires_at as "expiresAt", l.source, l.created_at as "createdAt",
        l.seal, l.remaining, l.expired, l.repaid
      from credit_lots l where true ${brandCondition("l", brandId)} order by l.brand_id, l.id`,
  );
  const faults: TamperFinding[] = [];
  const remaining = new Map(fold.lots);
  for (const lot of lots) {
    const folded = remaining.get(lot.id);
    remaining.delete(lot.id);
    compare(lot.brandId, `lot ${lot.id} granted`, folded?.granted ?? 0, lot.granted);
    for (const field of LOT_FIELDS)
      compare(lot.brandId, `lot ${lot.id} ${field}`, folded?.[field] ?? 0, toNumber(lot[field]));
    const fault = checkLot(read.ledgerKey, lot, folded);
    if (fault) faults.push(fault);
  }
  for (const [id, { brandId, granted }] of remaining) {
    if (granted === 0) continue;
    const detail = `lot ${id} is missing`;
    faults.push({ brandId, subject: "LOT", entryId: null, seq: 0, fault: "MISSING", difference: null, detail });
  }
  return faults;
}
