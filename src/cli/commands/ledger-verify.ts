import { type Command, JSON_HELP, parseOptions, UsageError } from "../command.ts";
import { loadSettings } from "../settings.ts";

export const ledgerVerifyCommand: Command = {
  name: "ledger verify",
  summary: "Verify the ledger: recompute all figures from the entries, check every checksum, and list differences",
  help: [
    "--anchor FILE        also check that the ledger continues the anchors in FILE, from LEDGER_ANCHOR or `ledger anchor`",
    JSON_HELP,
  ],
  async run(args) {
    const { json, anchor } = parseOptions(args, { json: { type: "boolean" }, anchor: { type: "string" } });
    if (anchor !== undefined && !(await Bun.file(anchor).exists()))
      throw new UsageError(`--anchor: there is no file ${JSON.stringify(anchor)}`);
    const { config } = loadSettings();
    return (await import("../ledger.ts")).verifyLedgerCommand(config, json === true, anchor ?? null);
  },
};
