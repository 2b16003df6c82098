import { type Command, parseOptions } from "../command.ts";
import { loadSettings } from "../settings.ts";

export const ledgerAnchorCommand: Command = {
  name: "ledger anchor",
  summary: "Print the signed heads of the ledger, to be kept outside of the database",
  help: ["Prints lines of JSON for `ledger verify --anchor`. With LEDGER_ANCHOR the service writes them by itself."],
  async run(args) {
    parseOptions(args, {});
    const { config } = loadSettings();
    return (await import("../ledger.ts")).printAnchor(config);
  },
};
