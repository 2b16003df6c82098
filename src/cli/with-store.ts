import { dialect } from "../db/dialect.ts";
import { openStore } from "../db/open.ts";
import type { Store } from "../db/store.ts";
import { ledgerKey } from "../lib/crypto/secrets.ts";
import { checkDataFolder } from "../lib/data-folder/data-folder.ts";
import type { Config } from "../server/config/config.ts";

/** Opens the database, migrated, for one command and closes it afterwards. `key` is the master key, where credits move. */
export async function withStore<T>(
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
