import { type Command, JSON_HELP, parseOptions, UsageError } from "../command.ts";
import { loadSettings } from "../settings.ts";

export const adminCreateCommand: Command = {
  name: "admin create",
  summary: "Create an admin, or make an existing user an admin",
  help: [
    "--email E            e-mail address",
    "--name N             name (default: the address)",
    "--password-stdin     read the password from standard input",
    JSON_HELP,
  ],
  async run(args) {
    const given = parseOptions(args, {
      email: { type: "string" },
      name: { type: "string" },
      "password-stdin": { type: "boolean" },
      json: { type: "boolean" },
    });
    if (!given.email) throw new UsageError("--email: expected an address");
    if (!given["password-stdin"])
      throw new UsageError(
        "--password-stdin: expected, because a password in an argument is visible in the process list",
      );
    const password = (await Bun.stdin.text()).replace(/\r?\n$/, "");
    const { config } = loadSettings();
    return (await import("../maintenance.ts")).createAdminCommand(
      config,
      { email: given.email, name: given.name ?? given.email, password },
      given.json === true,
    );
  },
};
