import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../src/db/open.ts";
import type { Store } from "../../src/db/store.ts";
import { freshDatabase } from "./database.ts";
import { TEST_LEDGER_KEY } from "./ledgerKey.ts";

/** An empty database that is open, for tests of what needs nothing else. */
export interface TestStore {
  store: Store;
  /** Where its file lies, if it has one. */
  folder: string;
  close(): Promise<void>;
}

/** Opens a database of its own, which `close` takes away. */
export async function openTestStore(): Promise<TestStore> {
  const folder = mkdtempSync(join(tmpdir(), "reprise-store-"));
  const database = await freshDatabase();
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
