import { masterKey } from "../../../src/lib/crypto/secrets.ts";

/** Path of this file, to start it with a folder and a time in epoch milliseconds. */
export const MASTER_KEY_SCRIPT = import.meta.path;

// Prints the master key of the folder in hexadecimal, as soon as the time has come: several processes start at once.
if (import.meta.main) {
  const [folder = "", startAt = ""] = process.argv.slice(2);
  await Bun.sleep(Math.max(0, Number(startAt) - Date.now()));
  console.log(Buffer.from(masterKey(null, folder)).toString("hex"));
}
