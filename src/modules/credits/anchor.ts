import { sql } from "drizzle-orm";
import type { Reader } from "../../db/store.ts";
import type { LedgerKey } from "../../lib/crypto/secrets.ts";
import type { Checkpoint } from "./checkpoints.ts";

/** Brands in one record, so that the line stays short. */
const BRANDS_PER_ANCHOR = 500;

/** A brand's id, the number of its entries, and the head of their hash chain. */
type Head = [brandId: string, entries: number, head: string];

/** A record that is kept outside of the database, so that a rollback to an earlier state is detected. */
export interface Anchor {
  v: 1;
  /** ISO 8601. */
  at: string;
  /** The id of the ledger's key. */
  key: string;
  brands: Head[];
  /** The MAC of the fields above. */
  seal: string;
}

const anchorMac = (key: LedgerKey, { at, brands }: Pick<Anchor, "at" | "brands">) =>
  key.mac(JSON.stringify(["anchor", at, brands]));

/** Lists the heads of all brands that have entries, without those equal to `known` (brand → head). */
export async function listHeads(read: Reader, known: ReadonlyMap<string, string> = new Map()): Promise<Head[]> {
  const rows = await read.all<{ brandId: string; entries: number; head: string }>(
    sql`select brand_id as "brandId", entries, head from credit_accounts where entries > 0 order by brand_id`,
  );
  return rows
    .filter(({ brandId, head }) => known.get(brandId) !== head)
    .map(({ brandId, entries, head }) => [brandId, entries, head]);
}

/** Creates the records of these heads, each with a MAC and at most BRANDS_PER_ANCHOR brands. */
export function createAnchors(key: LedgerKey, at: string, heads: readonly Head[]): Anchor[] {
  const anchors: Anchor[] = [];
  for (let from = 0; from < heads.length; from += BRANDS_PER_ANCHOR) {
    const brands = heads.slice(from, from + BRANDS_PER_ANCHOR);
    anchors.push({ v: 1, at, key: key.id, brands, seal: anchorMac(key, { at, brands }) });
  }
  return anchors;
}

export interface AnchorFile {
  records: number;
  checkpoints: Checkpoint[];
  /** The lines (from 1) of records that were signed with another key or changed. */
  badLines: number[];
}

/** Parses lines of JSON. Lines that are no anchor records, such as other log lines, are ignored. */
export function parseAnchors(key: LedgerKey, text: string): AnchorFile {
  const file: AnchorFile = { records: 0, checkpoints: [], badLines: [] };
  for (const [index, line] of text.split("\n").entries()) {
    const anchor = parseAnchor(line);
    if (anchor === null) continue;
    file.records++;
    if (anchorMac(key, anchor) !== anchor.seal) file.badLines.push(index + 1);
    else
      for (const [brandId, entries, head] of anchor.brands)
        file.checkpoints.push({ brandId, entries, head, at: anchor.at });
  }
  return file;
}

/** Parses one line; null when it is no record. */
function parseAnchor(line: string): Anchor | null {
  try {
    const record = JSON.parse(line) as Partial<Anchor> | null;
    const isAnchor = record?.v === 1 && typeof record.at === "string" && typeof record.seal === "string";
    return isAnchor && Array.isArray(record.brands) ? (record as Anchor) : null;
  } catch {
    return null;
  }
}
