import { type SQL, sql } from "drizzle-orm";
import { valuesTable } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import { type AccountDelta, BALANCE_FIELDS, type BalanceField, type Movement } from "./effects.ts";
import { type AccountFields, accountMac, type EntryFields, entryMac, nextHead } from "./mac.ts";

/** Returns a brand's account after these movements. */
export function applyDelta(
  delta: AccountDelta,
  before: ReadonlyMap<string, AccountFields>,
  heads: ReadonlyMap<string, string>,
): AccountFields {
  const { brandId } = delta;
  const account = before.get(brandId);
  if (!account) throw new Error(`the brand ${brandId} has no account`);
  const after = { ...account, entries: account.entries + delta.entries, head: heads.get(brandId) ?? account.head };
  for (const field of BALANCE_FIELDS) after[field] += delta[field];
  return after;
}

export function updateAccountsSql(tx: Tx, deltas: readonly AccountDelta[], after: readonly AccountFields[]): SQL {
  const types = {
    brandId: "text",
    granted: "bigint",
    available: "bigint",
    reserved: "bigint",
    used: "bigint",
    expired: "bigint",
    clawedBack: "bigint",
    debt: "bigint",
    entries: "bigint",
    previous: "bigint",
    head: "text",
    seal: "text",
  } as const;
  const rows = deltas.map((delta, at) => {
    const account = after[at];
    if (!account) throw new Error("expected one account for each brand");
    const previous = account.entries - delta.entries;
    return { ...delta, previous, head: account.head, seal: accountMac(tx.ledgerKey, account) };
  });
  const increment = (column: string, name: BalanceField | "entries") =>
    sql.raw(`${column} = credit_accounts.${column} + n."${name}"`);
  return sql`update credit_accounts set ${increment("granted", "granted")}, ${increment("available", "available")}, ${increment("reserved", "reserved")},
      ${increment("used", "used")}, ${increment("expired", "expired")}, ${increment("clawed_back", "clawedBack")}, ${increment("debt", "debt")}, ${increment("entries", "entries")},
      head = n.head, seal = n.seal
    from ${valuesTable("n", rows, types)} where credit_accounts.brand_id = n."brandId" and credit_accounts.entries = n.previous
    returning credit_accounts.entries`;
}

/** A row of the ledger to be inserted. */
type EntryRow = { [Field in keyof EntryFields]: EntryFields[Field] } & { seal: string; part: number | null };

/** Builds the entries of movements: numbered, with a MAC, and chained to the existing entries of their brands. */
export function buildEntries(tx: Tx, movements: readonly Movement[], before: ReadonlyMap<string, AccountFields>) {
  const heads = new Map<string, string>();
  const newest = new Map<string, number>();
  const parts = new Map<string, number>();
  const nextPart = ({ messageId, kind }: Movement) => {
    if (!messageId) return null;
    const key = `${kind} ${messageId}`;
    const part = parts.get(key) ?? 0;
    parts.set(key, part + 1);
    return part;
  };
  const entries = movements.map((movement): EntryRow => {
    const { brandId } = movement;
    const account = before.get(brandId);
    if (!account) throw new Error(`the brand ${brandId} has no account`);
    const seq = (newest.get(brandId) ?? account.entries) + 1;
    newest.set(brandId, seq);
    const entry: EntryRow = {
      id: tx.newId(),
      brandId,
      seq,
      kind: movement.kind,
      amount: movement.amount,
      lotId: movement.lotId,
      creditType: movement.creditType ?? null,
      campaignId: movement.campaignId ?? null,
      messageId: movement.messageId ?? null,
      reason: movement.reason ?? null,
      actorId: movement.actorId ?? null,
      createdAt: tx.now,
      seal: "",
      part: nextPart(movement),
    };
    entry.seal = entryMac(tx.ledgerKey, entry);
    heads.set(brandId, nextHead(heads.get(brandId) ?? account.head, entry.seal));
    return entry;
  });
  return { entries, heads };
}

export function insertEntriesSql(rows: readonly EntryRow[]): SQL {
  const types = {
    id: "text",
    brandId: "text",
    seq: "bigint",
    kind: "text",
    amount: "bigint",
    lotId: "text",
    creditType: "text",
    campaignId: "text",
    messageId: "text",
    reason: "text",
    actorId: "text",
    createdAt: "bigint",
    seal: "text",
    part: "integer",
  } as const;
  return sql`insert into ledger_entries (id, brand_id, seq, kind, amount, lot_id, credit_type, campaign_id, message_id, reason, actor_id, created_at, seal, part)
    select n.id, n."brandId", n.seq, n.kind, n.amount, n."lotId", n."creditType", n."campaignId", n."messageId", n.reason, n."actorId", n."createdAt", n.seal, n.part
    from ${valuesTable("n", rows, types)}`;
}
