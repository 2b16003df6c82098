import { ledgerKey } from "../../src/lib/crypto/secrets.ts";

/** Ledger key for stores that no service opened. */
export const TEST_LEDGER_KEY = ledgerKey(new Uint8Array(32).fill(7));
