import { type Command, JSON_HELP, parseOptions, UsageError } from "../command.ts";
import { loadSettings, useSqlite } from "../settings.ts";
import { parseTransferTarget } from "../transfer-target.ts";

export const migrateCommand: Command = {
  name: "migrate",
  summary: "Migrate the database to the current schema (serve does this too), or transfer SQLite to Postgres",
  help: [
    "--from sqlite://DIR --to postgres://…",
    "                     transfer the installation in that data folder to an empty database. Stop its service first.",
    "                     After an interruption the same command continues. At the end every row is compared.",
    "                     A URL with a password is refused as an argument: omit --to and set DATABASE_URL, or use",
    "--to-env NAME        name of the variable with the URL",
    "--to-file PATH       file with the URL",
    "--to-stdin           read the URL from standard input",
    "--abandon --from sqlite://DIR",
    "                     give up the transfer, so that the installation can be served from SQLite again",
    JSON_HELP,
  ],
  async run(args) {
    const text = { type: "string" } as const;
    const flag = { type: "boolean" } as const;
    const { from, abandon, json, ...target } = parseOptions(args, {
      from: text,
      to: text,
      "to-env": text,
      "to-file": text,
      "to-stdin": flag,
      abandon: flag,
      json: flag,
    });
    const isTransfer = from !== undefined || abandon || Object.values(target).some((value) => value !== undefined);
    if (!isTransfer) {
      const { config } = loadSettings();
      return (await import("../maintenance.ts")).migrateCommand(config);
    }
    const to = abandon ? null : await parseTransferTarget(target, process.env);
    if (!from?.startsWith("sqlite:")) throw new UsageError("--from: expected sqlite:// followed by a data folder");
    useSqlite();
    const { abandonTransfer: abandonMove, transfer: moveUp } = await import("../transfer.ts");
    return to === null ? abandonMove(from) : moveUp(from, to, json === true);
  },
};
