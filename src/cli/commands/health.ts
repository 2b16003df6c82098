import { type Command, parseOptions } from "../command.ts";
import { loadSettings } from "../settings.ts";

export const healthCommand: Command = {
  name: "health",
  summary: "Check the service on PORT; exit code 0 when it is healthy (for container health checks)",
  help: [],
  async run(args) {
    parseOptions(args, {});
    const { config } = loadSettings();
    return (await import("../maintenance.ts")).checkHealth(config);
  },
};
