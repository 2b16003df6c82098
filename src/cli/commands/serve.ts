import { ALL_ROLES, parseRoles } from "../../server/roles.ts";
import { type Command, parseOptions, UsageError } from "../command.ts";
import { loadSettings } from "../settings.ts";

export const serveCommand: Command = {
  name: "serve",
  summary: "Migrate the database, serve HTTP and send messages until SIGTERM",
  help: [
    "--roles api,scheduler,worker",
    "                     the work of this process (default all): serve HTTP, run scheduled jobs, send messages; on Postgres",
    "                     any number of processes may have each role",
    "Everything else is configured by environment variables: PORT, HOST, DATA_DIR, DATABASE_URL, PUBLIC_URL, REPRISE_SECRET, …",
  ],
  async run(args) {
    const given = parseOptions(args, { roles: { type: "string" } });
    const roles = given.roles === undefined ? ALL_ROLES : parseRoles(given.roles);
    if (roles === null)
      throw new UsageError(`--roles: expected some of api, scheduler and worker, got ${JSON.stringify(given.roles)}`);
    const { config, log } = loadSettings();
    if (roles.size < ALL_ROLES.size && config.databaseUrl === null)
      throw new UsageError(
        "--roles: expected all of them, because one process does everything on SQLite; set DATABASE_URL to divide them",
      );
    return (await import("../../server/serve.ts")).serve(config, log, roles);
  },
};
