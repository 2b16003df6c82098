import type { Config } from "../config.ts";
import { toCredits } from "../credits/amounts.ts";
import { sealOlder } from "../credits/sealOlder.ts";
import { verifyLedger } from "../credits/verify.ts";
import { checkDataFolder } from "../dataFolder.ts";
import { dialect } from "../db/dialect.ts";
import { openStore } from "../db/open.ts";
import type { Store } from "../db/store.ts";
import { createAdmin } from "../identity/claim.ts";
import { adoptKey } from "../installation.ts";
import { expectNotMoving } from "../moving/mark.ts";
import { masterKey, signer } from "../secrets.ts";

// What an operator does now and then, each with the database open just for that.

async function withStore<T>({ dataDir, databaseUrl }: Config, work: (store: Store) => Promise<T>): Promise<T> {
  if (dialect === "sqlite") checkDataFolder(dataDir, true);
  const store = await openStore({ dataDir, databaseUrl });
  await sealOlder(store);
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

/** Exit code 1 when a figure differs. */
export function proveBooks(config: Config, json: boolean): Promise<number> {
  return withStore(config, async (store) => {
    const verdict = await store.snapshot((read) => verifyLedger(read));
    if (json) console.log(JSON.stringify(verdict));
    else {
      for (const { brandId, what, expected, found } of verdict.drifts) {
        console.log(
          `brand ${brandId}: ${what}: the entries say ${toCredits(expected)}, the books say ${toCredits(found)}`,
        );
      }
      for (const { brandId, entryId, seq, detail } of verdict.faults) {
        console.log(`brand ${brandId}: entry ${seq}${entryId === null ? "" : ` (${entryId})`} ${detail}`);
      }
      console.log(
        `${verdict.entries} entries of ${verdict.brands} brands: ${verdict.ok ? "the books balance" : `${verdict.drifts.length} figures drift, ${verdict.faults.length} entries are not what was written`}`,
      );
    }
    return verdict.ok ? 0 : 1;
  });
}

export function adopt(config: Config): Promise<number> {
  const sign = signer(masterKey(config.secret, config.dataDir));
  return withStore(config, async (store) => {
    await store.write((tx) => adoptKey(tx, sign));
    console.log("The key there is counts from now on. What was sealed with another one must be entered again.");
    return 0;
  });
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
