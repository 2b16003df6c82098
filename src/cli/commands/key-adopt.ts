import { type Command, parseOptions } from "../command.ts";
import { loadSettings } from "../settings.ts";

export const keyAdoptCommand: Command = {
  name: "key adopt",
  summary: "Accept the current secret key for a database created with a different, lost key",
  help: [],
  async run(args) {
    parseOptions(args, {});
    const { config } = loadSettings();
    return (await import("../maintenance.ts")).adoptKeyCommand(config);
  },
};
