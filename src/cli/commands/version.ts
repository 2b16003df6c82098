import { version } from "../../lib/version.ts";
import { type Command, JSON_HELP, parseOptions } from "../command.ts";

export const versionCommand: Command = {
  name: "version",
  summary: "Print the version",
  help: [JSON_HELP],
  async run(args) {
    const { json } = parseOptions(args, { json: { type: "boolean" } });
    console.log(json ? JSON.stringify({ version, bun: Bun.version }) : version);
    return 0;
  },
};
