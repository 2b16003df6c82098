import { version } from "../../version.ts";
import { type Command, JSON_HELP, readOptions } from "../command.ts";

export const versionCommand: Command = {
  name: "version",
  summary: "Print the version",
  help: [JSON_HELP],
  async run(args) {
    const { json } = readOptions(args, { json: { type: "boolean" } });
    console.log(json ? JSON.stringify({ version, bun: Bun.version }) : version);
    return 0;
  },
};
