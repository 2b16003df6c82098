import { adoptKey } from "../db/installation.ts";
import type { Store } from "../db/store.ts";
import { assertNotTransferring } from "../db/transfer/mark.ts";
import { masterKey, signer } from "../lib/crypto/secrets.ts";
import { recomputeLedgerMacs } from "../modules/credits/recompute-macs.ts";
import { createAdmin } from "../modules/identity/bootstrap-admin.ts";
import type { Config } from "../server/config/config.ts";
import { withStore } from "./with-store.ts";

/** Creates an admin, or makes an existing user one. */
export function createAdminCommand(
  config: Config,
  given: { email: string; name: string; password: string },
  json: boolean,
): Promise<number> {
  return withStore(config, async (store) => {
    await assertNotTransferring(store.read);
    const { id, email } = await createAdmin(store, given);
    console.log(json ? JSON.stringify({ id, email, role: "admin" }) : `${email} is an admin now`);
    return 0;
  });
}

/** Accepts the present key for a database that was set up with another, lost one, and seals its ledger with it. */
export function adoptKeyCommand(config: Config): Promise<number> {
  const key = masterKey(config.secret, config.dataDir);
  const adoptAndRecompute = async (store: Store) => {
    await store.write((tx) => adoptKey(tx, signer(key)));
    await recomputeLedgerMacs(store);
    console.log("The current key is in use from now on. Secrets encrypted with the lost key must be entered again.");
    console.log("The ledger was signed again with the current key. Start a new file of anchors.");
    return 0;
  };
  return withStore(config, adoptAndRecompute, key);
}

/** Migrates the database, which opening it does. */
export function migrateCommand(config: Config): Promise<number> {
  return withStore(config, async () => {
    console.log("The database has the current schema");
    return 0;
  });
}

/** Prints the answer of the running service's database check; exit code 1 when it is not well. */
export async function checkHealth(config: Config): Promise<number> {
  const host = config.host === "0.0.0.0" || config.host === "::" ? "127.0.0.1" : config.host;
  try {
    const answer = await fetch(`http://${host}:${config.port}/api/health/database`, {
      signal: AbortSignal.timeout(3000),
    });
    console.log(await answer.text());
    return answer.ok ? 0 : 1;
  } catch {
    console.error(`reprise: no service answers on port ${config.port}`);
    return 1;
  }
}
