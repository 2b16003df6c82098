import { ledgerKey } from "../../src/secrets.ts";

/** The ledger's key where no service has made one. */
export const TEST_LEDGER_KEY = ledgerKey(new Uint8Array(32).fill(7));
