import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../src/db/open.ts";
import type { Store } from "../../src/db/store.ts";
import { createTestDatabase } from "./database.ts";
import { TEST_LEDGER_KEY } from "./ledger-key.ts";

/** Open store on an empty database. */
export interface TestStore {
  store: Store;
  /** Folder of the database file on SQLite. */
  folder: string;
  close(): Promise<void>;
}

/** Opens a store on a new database, which `close` deletes. */
export async function openTestStore(): Promise<TestStore> {
  const folder = mkdtempSync(join(tmpdir(), "reprise-store-"));
  const database = await createTestDatabase();
  const store = await openStore({
    dataDir: folder,
    databaseUrl: database.url,
    durability: "off",
    ledgerKey: TEST_LEDGER_KEY,
  });
  return {
    store,
    folder,
    async close() {
      await store.close();
      await database.drop();
      rmSync(folder, { recursive: true });
    },
  };
}
