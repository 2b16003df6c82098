import { iso, systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { toCredits } from "../credits/amounts.ts";
import { anchorsOf, parseAnchors, readHeads } from "../credits/anchor.ts";
import { Checkpoints } from "../credits/checkpoints.ts";
import { resealLedger } from "../credits/reseal.ts";
import { verifyLedger } from "../credits/verify.ts";
import { checkDataFolder } from "../dataFolder.ts";
import { dialect } from "../db/dialect.ts";
import { openStore } from "../db/open.ts";
import type { Store } from "../db/store.ts";
import { Fault } from "../fault.ts";
import { createAdmin } from "../identity/claim.ts";
import { adoptKey, expectKey, hasKey } from "../installation.ts";
import { expectNotMoving } from "../moving/mark.ts";
import { findMasterKey, ledgerKey, masterKey, signer } from "../secrets.ts";

// What an operator does now and then, each with the database open just for that.

async function withStore<T>(
  { dataDir, databaseUrl }: Config,
  work: (store: Store) => Promise<T>,
  key?: Uint8Array,
): Promise<T> {
  if (dialect === "sqlite") checkDataFolder(dataDir, true);
  const store = await openStore({ dataDir, databaseUrl, ...(key ? { ledgerKey: ledgerKey(key) } : {}) });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

export function makeAdmin(
  config: Config,
  given: { email: string; name: string; password: string },
  json: boolean,
): Promise<number> {
  return withStore(config, async (store) => {
    await expectNotMoving(store.read);
    const { id, email } = await createAdmin(store, given);
    console.log(json ? JSON.stringify({ id, email, role: "admin" }) : `${email} is an admin now`);
    return 0;
  });
}

/**
 * Opens the database with the ledger's key, which must be the one that it was sealed with. Without a key there is only the
 * ledger of a database that none was set up with: an empty one.
 */
async function withLedger<T>(config: Config, work: (store: Store) => Promise<T>): Promise<T> {
  // Before the key is read: it says whose the key is, and what to do.
  if (dialect === "sqlite") checkDataFolder(config.dataDir, true);
  const key = findMasterKey(config.secret, config.dataDir);
  if (key === null) {
    return withStore(config, async (store) => {
      if (!(await hasKey(store.read))) return work(store);
      throw new Fault(
        "UNAVAILABLE",
        "The ledger is sealed with the installation's key: set REPRISE_SECRET, or DATA_DIR to the folder with its secret.key",
      );
    });
  }
  const keyed = async (store: Store) => {
    await expectKey(store.read, signer(key));
    return work(store);
  };
  return withStore(config, keyed, key);
}

/** Prints the heads of the ledger, to be kept elsewhere. */
export function printAnchor(config: Config): Promise<number> {
  return withLedger(config, async ({ read }) => {
    const at = iso(systemClock.now());
    for (const anchor of anchorsOf(read.ledgerKey, at, await readHeads(read))) console.log(JSON.stringify(anchor));
    return 0;
  });
}

/** Exit code 1 when a figure differs, a row is not what was written, or the ledger is no continuation of what was anchored. */
export async function proveBooks(config: Config, json: boolean, anchor: string | null): Promise<number> {
  const kept = anchor === null ? null : await Bun.file(anchor).text();
  return withLedger(config, async (store) => {
    const anchors = kept === null ? null : parseAnchors(store.read.ledgerKey, kept);
    if (anchors?.records === 0) throw new Fault("INVALID", `--anchor: ${anchor} holds no anchor of a ledger`);
    const proof = await store.snapshot((read) => verifyLedger(read, null, new Checkpoints(anchors?.checkpoints)));
    const badLines = anchors?.badLines ?? [];
    const verdict = { ...proof, ok: proof.ok && badLines.length === 0 };
    if (json) console.log(JSON.stringify(anchors ? { ...verdict, anchors: anchors.records, badLines } : verdict));
    else {
      for (const line of badLines)
        console.log(`${anchor}, line ${line}: was changed, or was not sealed with the key of this database`);
      for (const { brandId, what, expected, found } of verdict.drifts) {
        console.log(
          `brand ${brandId}: ${what}: the entries say ${toCredits(expected)}, the books say ${toCredits(found)}`,
        );
      }
      for (const { brandId, subject, entryId, seq, fault, detail } of verdict.faults) {
        const what = subject === "ENTRY" ? `entry ${seq}${entryId === null ? "" : ` (${entryId})`} ` : "";
        console.log(`brand ${brandId}: ${fault}: ${what}${detail}`);
      }
      console.log(
        `${verdict.entries} entries of ${verdict.brands} brands: ${verdict.ok ? "the books balance" : `${verdict.drifts.length} figures drift, ${verdict.faults.length} rows are not what was written`}`,
      );
    }
    return verdict.ok ? 0 : 1;
  });
}

export function adopt(config: Config): Promise<number> {
  const key = masterKey(config.secret, config.dataDir);
  const adopting = async (store: Store) => {
    await store.write((tx) => adoptKey(tx, signer(key)));
    await resealLedger(store);
    console.log("The key there is counts from now on. What was sealed with another one must be entered again.");
    console.log("The ledger was sealed anew as it stands; begin a new file of anchors.");
    return 0;
  };
  return withStore(config, adopting, key);
}

export function bringUpToDate(config: Config): Promise<number> {
  return withStore(config, async () => {
    console.log("The database has the current schema");
    return 0;
  });
}

export async function askHealth(config: Config): Promise<number> {
  const host = config.host === "0.0.0.0" || config.host === "::" ? "127.0.0.1" : config.host;
  try {
    const answer = await fetch(`http://${host}:${config.port}/api/health/database`, {
      signal: AbortSignal.timeout(3000),
    });
    console.log(await answer.text());
    return answer.ok ? 0 : 1;
  } catch {
    console.error(`reprise: nothing answers on port ${config.port}`);
    return 1;
  }
}
