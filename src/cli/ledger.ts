import { dialect } from "../db/dialect.ts";
import { assertKey, hasKey } from "../db/installation.ts";
import type { Store } from "../db/store.ts";
import { iso, systemClock } from "../lib/clock.ts";
import { findMasterKey, signer } from "../lib/crypto/secrets.ts";
import { checkDataFolder } from "../lib/data-folder/data-folder.ts";
import { AppError } from "../lib/errors.ts";
import { toCredits } from "../modules/credits/amounts.ts";
import { createAnchors, listHeads, parseAnchors } from "../modules/credits/anchor.ts";
import { Checkpoints } from "../modules/credits/checkpoints.ts";
import { type LedgerReport, verifyLedger } from "../modules/credits/verify.ts";
import type { Config } from "../server/config/config.ts";
import { withStore } from "./with-store.ts";

/**
 * Opens the database with the ledger's key, which must be the one that its MACs were computed with. Without a key there is
 * only the ledger of a database that none was set up with: an empty one.
 */
async function withLedger<T>(config: Config, work: (store: Store) => Promise<T>): Promise<T> {
  // Checked before the key is loaded, for an error message that names the missing key and the remedy.
  if (dialect === "sqlite") checkDataFolder(config.dataDir, true);
  const key = findMasterKey(config.secret, config.dataDir);
  if (key === null) {
    return withStore(config, async (store) => {
      if (!(await hasKey(store.read))) return work(store);
      throw new AppError(
        "UNAVAILABLE",
        "The MACs of the ledger need the installation's key: set REPRISE_SECRET, or DATA_DIR to the folder with its secret.key",
      );
    });
  }
  const withAssertedKey = async (store: Store) => {
    await assertKey(store.read, signer(key));
    return work(store);
  };
  return withStore(config, withAssertedKey, key);
}

/** Prints the heads of the ledger, to be kept elsewhere. */
export function printAnchor(config: Config): Promise<number> {
  return withLedger(config, async ({ read }) => {
    const at = iso(systemClock.now());
    for (const anchor of createAnchors(read.ledgerKey, at, await listHeads(read))) console.log(JSON.stringify(anchor));
    return 0;
  });
}

/**
 * Verifies the ledger and prints each difference. Exit code 1 when a figure differs, a row was tampered with, or the
 * ledger is no continuation of what was anchored in the file `anchor`.
 */
export async function verifyLedgerCommand(config: Config, json: boolean, anchor: string | null): Promise<number> {
  const kept = anchor === null ? null : await Bun.file(anchor).text();
  return withLedger(config, async (store) => {
    const anchors = kept === null ? null : parseAnchors(store.read.ledgerKey, kept);
    if (anchors?.records === 0) throw new AppError("INVALID", `--anchor: ${anchor} holds no anchor of a ledger`);
    const proof = await store.snapshot((read) => verifyLedger(read, null, new Checkpoints(anchors?.checkpoints)));
    const badLines = anchors?.badLines ?? [];
    const result = { ...proof, ok: proof.ok && badLines.length === 0 };
    if (json) console.log(JSON.stringify(anchors ? { ...result, anchors: anchors.records, badLines } : result));
    else {
      for (const line of badLines)
        console.log(`${anchor}, line ${line}: was changed, or was signed with another key than this database's`);
      printLedgerReport(result);
    }
    return result.ok ? 0 : 1;
  });
}

function printLedgerReport({ drifts, faults, entries, brands, ok }: LedgerReport): void {
  for (const { brandId, what, expected, found } of drifts) {
    console.log(
      `brand ${brandId}: ${what}: the entries sum to ${toCredits(expected)}, the stored figure is ${toCredits(found)}`,
    );
  }
  for (const { brandId, subject, entryId, seq, fault, detail } of faults) {
    const what = subject === "ENTRY" ? `entry ${seq}${entryId === null ? "" : ` (${entryId})`} ` : "";
    console.log(`brand ${brandId}: ${fault}: ${what}${detail}`);
  }
  const summary = ok
    ? "the ledger balances"
    : `${drifts.length} figures differ, ${faults.length} rows were tampered with`;
  console.log(`${entries} entries of ${brands} brands: ${summary}`);
}
