import { chownSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import postgres from "postgres";
import { findFreePort, findProgram, TempServer, waitUntil } from "./temp-server.ts";

export interface PostgresServer {
  /** URL of the superuser's own database. */
  url: string;
  /** Creates an empty database and returns its URL. */
  createDatabase(): Promise<string>;
  port: number;
  /** Restarts on the same data and port, which breaks all connections. */
  restart(): Promise<void>;
  /** Kills the server with SIGKILL: what it had not written to disk is lost. */
  kill(): Promise<void>;
  /** Starts a synchronous standby: from now on every commit waits for it. */
  standby(): Promise<Standby>;
  stop(): Promise<void>;
}

export interface Standby {
  port: number;
  /** Becomes the primary. */
  promote(): Promise<void>;
  stop(): Promise<void>;
}

/** Folders of the server's programs on Debian, Red Hat and Homebrew, by version and not on the PATH. */
const installations = ["usr/lib/postgresql/*", "usr/pgsql-*", "opt/homebrew/opt/postgresql*"];

/** Finds the folder of the server's programs: the one on the PATH, or else the newest version. */
export function findPostgres(): string | null {
  const onPath = findProgram("postgres");
  // The program on the PATH may be a link whose folder holds no others.
  if (onPath && findProgram("initdb")) return dirname(realpathSync(onPath));
  const newest = installations
    .flatMap((folder) => [...new Bun.Glob(`${folder}/bin/postgres`).scanSync({ cwd: "/", absolute: true })])
    .sort((a, b) => b.localeCompare(a, "en", { numeric: true }))[0];
  return newest ? dirname(newest) : null;
}

/** Starts a temporary PostgreSQL. It keeps its data over a restart; over a power cut only if `durable`, which is slower. */
export async function startPostgres({ durable = false, connections = 200 } = {}): Promise<PostgresServer> {
  const programs = findPostgres();
  if (!programs) throw new Error("PostgreSQL is not installed");
  const home = new TempServer("postgres", "data/postmaster.pid", "INT");
  const data = join(home.folder, "data");
  const port = findFreePort();
  const asServer = process.getuid?.() === 0 ? giveAway(home.folder) : (command: string[]) => command;

  const settings = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: home.folder,
    max_connections: connections,
    timezone: "UTC",
    ...(durable ? {} : { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }),
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const start = () => home.start(asServer([join(programs, "postgres"), "-D", data, ...options]), () => isReady(data));
  const layout = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
  await home.run(asServer([join(programs, "initdb"), ...layout]));
  await start();

  const server = `postgres://postgres@127.0.0.1:${port}`;
  let databases = 0;
  return {
    url: `${server}/postgres`,
    port,
    async createDatabase() {
      const name = `reprise_${++databases}`;
      const sql = postgres(`${server}/postgres`, { max: 1 });
      await sql`create database ${sql(name)}`;
      await sql.end();
      return `${server}/${name}`;
    },
    async restart() {
      await home.end();
      await start();
    },
    kill: () => home.end("KILL"),
    async standby() {
      const standby = await startStandby(programs, port, settings);
      const sql = postgres(`${server}/postgres`, { max: 1 });
      await sql`alter system set synchronous_standby_names = '*'`;
      await sql`select pg_reload_conf()`;
      await waitUntil("the standby is in step", async () => {
        const [row] = await sql`select 1 from pg_stat_replication where sync_state = 'sync'`;
        return row !== undefined;
      });
      await sql.end();
      return standby;
    },
    stop: () => home.remove(),
  };
}

/** Starts a streaming replica of the server. */
async function startStandby(programs: string, primary: number, settings: object): Promise<Standby> {
  const home = new TempServer("standby", "data/postmaster.pid", "INT");
  const data = join(home.folder, "data");
  const port = findFreePort();
  const asServer = process.getuid?.() === 0 ? giveAway(home.folder) : (command: string[]) => command;
  const from = ["-h", "127.0.0.1", "-p", String(primary), "-U", "postgres"];
  await home.run(
    asServer([join(programs, "pg_basebackup"), "-D", data, "-R", "-X", "stream", "--no-sync", "-c", "fast", ...from]),
  );
  const options = Object.entries({ ...settings, port, unix_socket_directories: home.folder });
  const given = options.flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  await home.start(asServer([join(programs, "postgres"), "-D", data, ...given]), () => isReady(data));
  return {
    port,
    promote: () => home.run(asServer([join(programs, "pg_ctl"), "promote", "-w", "-D", data])),
    stop: () => home.remove(),
  };
}

/** Reports whether the pid file says that the server is ready; it listens before it accepts queries. */
async function isReady(data: string): Promise<boolean> {
  const file = Bun.file(join(data, "postmaster.pid"));
  return (await file.exists()) && (await file.text()).includes("\nready");
}

/** Gives the folder to another user where this one is root, as which PostgreSQL does not run; returns a prefix for commands. */
function giveAway(folder: string): (command: string[]) => string[] {
  const id = (question: "-u" | "-g", user: string) => Number(Bun.spawnSync(["id", question, user]).stdout);
  const user = id("-u", "postgres") ? "postgres" : "nobody";
  chownSync(folder, id("-u", user), id("-g", user));
  const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
  return (command) => ["su", "-s", "/bin/sh", "-c", `exec ${command.map(quote).join(" ")}`, user];
}
