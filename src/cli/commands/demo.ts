import { type Command, JSON_HELP, parseOptions } from "../command.ts";
import { loadSettings, useSqlite } from "../settings.ts";

export const demoCommand: Command = {
  name: "demo",
  summary: "Simulate weeks of two brands and 500 contacts in seconds, then serve the result with Swagger UI",
  help: ["--exit               exit after the summary instead of serving", JSON_HELP],
  async run(args) {
    const { exit, json } = parseOptions(args, { exit: { type: "boolean" }, json: { type: "boolean" } });
    // The demo has a database file of its own and touches no configured database.
    useSqlite();
    const { config, log } = loadSettings();
    return (await import("../demo.ts")).demo(config, log, { exit: exit === true, json: json === true });
  },
};
