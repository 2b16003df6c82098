import { systemClock } from "../clock.ts";
import { type Config, readConfig } from "../config.ts";
import { isEcho } from "../db/standing.ts";
import { createLog, type Log, withoutEchoes } from "../log.ts";
import { ALL_ROLES, readRoles } from "../roles.ts";
import { version } from "../version.ts";
import { type Command, readOptions, readWhole, UsageError } from "./command.ts";
import { readMoveTarget } from "./moveTarget.ts";

// The commands, one after the other. Each loads what it needs when it runs, so that `version` does not open a database.

function setUp(): { config: Config; log: Log } {
  const config = readConfig(process.env);
  return { config, log: withoutEchoes(createLog(config.logLevel, systemClock), isEcho) };
}

/** Makes this process one of SQLite. The schema asks the environment for it, when it is first loaded. */
function forgetDatabase(): void {
  delete process.env.DATABASE_URL;
  delete process.env.DATABASE_URL_FILE;
}

const JSON_OPTION = "--json               print the result as JSON, for machines";

const serve: Command = {
  name: "serve",
  summary: "Migrate, listen and deliver until stopped (SIGTERM)",
  help: [
    "--roles api,scheduler,worker",
    "                     what this process does (default all): answer requests, do what is periodic, send; on Postgres",
    "                     there may be any number of each",
    "Everything else is set by the environment: PORT, HOST, DATA_DIR, DATABASE_URL, PUBLIC_URL, REPRISE_SECRET, …",
  ],
  async run(args) {
    const given = readOptions(args, { roles: { type: "string" } });
    const roles = given.roles === undefined ? ALL_ROLES : readRoles(given.roles);
    if (roles === null)
      throw new UsageError(`--roles: expected some of api, scheduler and worker, got ${JSON.stringify(given.roles)}`);
    const { config, log } = setUp();
    if (roles.size < ALL_ROLES.size && config.databaseUrl === null)
      throw new UsageError("--roles: expected all of them: on SQLite one process does everything; set DATABASE_URL");
    return (await import("./serve.ts")).serve(config, log, roles);
  },
};

const demo: Command = {
  name: "demo",
  summary: "Two brands, 500 contacts and weeks of follow-ups in seconds, then Swagger UI on the result",
  help: ["--exit               end after the summary instead of serving", JSON_OPTION],
  async run(args) {
    const { exit, json } = readOptions(args, { exit: { type: "boolean" }, json: { type: "boolean" } });
    // The demo lives in a file of its own and touches no database that is configured.
    forgetDatabase();
    const { config, log } = setUp();
    return (await import("./demo.ts")).demo(config, log, { exit: exit === true, json: json === true });
  },
};

const simulate: Command = {
  name: "simulate",
  summary: "Live through a small world with crashes and slow providers, and check every promise",
  help: [
    "--seed S             what decides the world; the same seed gives the same result (default 1)",
    "--days D             virtual days (default 30)",
    "--contacts N         people in it (default 100)",
    "--faults             crashes, slow and failing providers, double wake-ups, clock jumps",
    "--worlds W           as many worlds, with seeds S, S+1, … (default 1; the seed must be a number)",
    JSON_OPTION,
  ],
  async run(args) {
    const text = { type: "string" } as const;
    const {
      seed = "1",
      days,
      contacts,
      worlds,
      faults,
      json,
    } = readOptions(args, {
      seed: text,
      days: text,
      contacts: text,
      worlds: text,
      faults: { type: "boolean" },
      json: { type: "boolean" },
    });
    const count = readWhole("worlds", worlds, 1, 1, 1_000_000);
    if (count > 1 && !/^\d{1,9}$/.test(seed))
      throw new UsageError("--seed: expected a whole number when there are several worlds");
    forgetDatabase();
    const { simulateWorlds } = await import("./simulate.ts");
    return simulateWorlds({
      seed,
      worlds: count,
      days: readWhole("days", days, 30, 1, 3650),
      contacts: readWhole("contacts", contacts, 100, 1, 10_000_000),
      faults: faults === true,
      json: json === true,
    });
  },
};

const adminCreate: Command = {
  name: "admin create",
  summary: "Make an admin, or make a user one",
  help: [
    "--email E            their address",
    "--name N             their name (default: the address)",
    "--password-stdin     read the password from standard input",
    JSON_OPTION,
  ],
  async run(args) {
    const given = readOptions(args, {
      email: { type: "string" },
      name: { type: "string" },
      "password-stdin": { type: "boolean" },
      json: { type: "boolean" },
    });
    if (!given.email) throw new UsageError("--email: expected an address");
    if (!given["password-stdin"])
      throw new UsageError(
        "--password-stdin: expected; a password on the command line would stand in the process list",
      );
    const password = (await Bun.stdin.text()).replace(/\r?\n$/, "");
    const { config } = setUp();
    return (await import("./maintenance.ts")).makeAdmin(
      config,
      { email: given.email, name: given.name ?? given.email, password },
      given.json === true,
    );
  },
};

const ledgerVerify: Command = {
  name: "ledger verify",
  summary: "Prove the ledger: fold every entry, check every seal, and name what differs",
  help: [
    "--anchor FILE        also check that the ledger is a continuation of what LEDGER_ANCHOR or `ledger anchor` kept",
    JSON_OPTION,
  ],
  async run(args) {
    const { json, anchor } = readOptions(args, { json: { type: "boolean" }, anchor: { type: "string" } });
    if (anchor !== undefined && !(await Bun.file(anchor).exists()))
      throw new UsageError(`--anchor: there is no file ${JSON.stringify(anchor)}`);
    const { config } = setUp();
    return (await import("./maintenance.ts")).proveBooks(config, json === true, anchor ?? null);
  },
};

const ledgerAnchor: Command = {
  name: "ledger anchor",
  summary: "Print the heads of the ledger, sealed, to be kept outside of the database",
  help: ["Lines of JSON, for `ledger verify --anchor`. LEDGER_ANCHOR keeps them by itself."],
  async run(args) {
    readOptions(args, {});
    const { config } = setUp();
    return (await import("./maintenance.ts")).printAnchor(config);
  },
};

const keyAdopt: Command = {
  name: "key adopt",
  summary: "Go on with the present key after the one this database was set up with is lost",
  help: [],
  async run(args) {
    readOptions(args, {});
    const { config } = setUp();
    return (await import("./maintenance.ts")).adopt(config);
  },
};

const migrate: Command = {
  name: "migrate",
  summary: "Bring the database to the current schema (serve does it by itself), or move up from SQLite to Postgres",
  help: [
    "--from sqlite://DIR --to postgres://…",
    "                     move the installation in that data folder into an empty database. Its service must be stopped.",
    "                     Whatever interrupts it, the same command goes on from there; in the end everything is compared.",
    "                     A URL with a password is never an argument: leave --to out and set DATABASE_URL, or say",
    "--to-env NAME        the variable that holds the URL",
    "--to-file PATH       the file that holds it",
    "--to-stdin           read it from standard input",
    "--abandon --from sqlite://DIR",
    "                     give the move up, so that the installation may be served where it is",
    JSON_OPTION,
  ],
  async run(args) {
    const text = { type: "string" } as const;
    const flag = { type: "boolean" } as const;
    const { from, abandon, json, ...target } = readOptions(args, {
      from: text,
      to: text,
      "to-env": text,
      "to-file": text,
      "to-stdin": flag,
      abandon: flag,
      json: flag,
    });
    const isMove = from !== undefined || abandon || Object.values(target).some((value) => value !== undefined);
    if (!isMove) {
      const { config } = setUp();
      return (await import("./maintenance.ts")).bringUpToDate(config);
    }
    const to = abandon ? null : await readMoveTarget(target, process.env);
    if (!from?.startsWith("sqlite:")) throw new UsageError("--from: expected sqlite:// and a data folder");
    forgetDatabase();
    const { abandonMove, moveUp } = await import("./moveUp.ts");
    return to === null ? abandonMove(from) : moveUp(from, to, json === true);
  },
};

const health: Command = {
  name: "health",
  summary: "Ask the service on PORT how it is; exit code 0 when well (for container health checks)",
  help: [],
  async run(args) {
    readOptions(args, {});
    const { config } = setUp();
    return (await import("./maintenance.ts")).askHealth(config);
  },
};

const versionCommand: Command = {
  name: "version",
  summary: "Print the version",
  help: [JSON_OPTION],
  async run(args) {
    const { json } = readOptions(args, { json: { type: "boolean" } });
    console.log(json ? JSON.stringify({ version, bun: Bun.version }) : version);
    return 0;
  },
};

export const commands: Command[] = [
  serve,
  demo,
  simulate,
  adminCreate,
  ledgerVerify,
  ledgerAnchor,
  keyAdopt,
  migrate,
  health,
  versionCommand,
];
