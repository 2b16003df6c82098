import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Answer, Sent } from "./app.ts";
import { freshDatabase } from "./database.ts";
import { freePort, Throwaway, until } from "./throwaway.ts";

/** The program as it is in the repository, or a compiled one: REPRISE_BINARY=dist/reprise bun test test/kill.test.ts */
const program = process.env.REPRISE_BINARY
  ? [resolve(process.env.REPRISE_BINARY)]
  : [process.execPath, join(import.meta.dir, "../../src/main.ts")];

/** What everybody's password is here. */
export const PASSWORD = "correct horse battery";

export interface Ended {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface ServiceOptions {
  /** What starts the program. */
  command?: string[];
  /** Where its data lies; by default in the empty folder it is started from. */
  dataDir?: string;
  env?: Record<string, string>;
}

/** A Reprise in a process of its own, used from outside as people do. */
export interface Service {
  url: string;
  /** Null with SQLite. */
  databaseUrl: string | null;
  api<Body = Record<string, unknown>>(method: string, path: string, sent?: Sent): Promise<Answer<Body>>;
  /** Another command on the same data, such as `["ledger", "verify"]`, to its end. */
  run(args: string[], input?: string): Promise<Ended>;
  /** Makes an admin, another one each time; returns their token. */
  admin(): Promise<string>;
  signUp(email: string): Promise<string>;
  signIn(email: string): Promise<string>;
  /** Starts it again, on the same data and port, after `kill` or `stop`. */
  start(): Promise<void>;
  /** SIGKILL: no line of the program runs any more. */
  kill(): Promise<void>;
  /** SIGTERM; returns the exit code. */
  stop(): Promise<number>;
  /** All it has printed so far, over all starts. */
  output(): string;
  /** Ends it and takes its folder and its database away. */
  remove(): Promise<void>;
}

/** Nothing of the developer's own settings reaches the program. */
export function cleanEnvironment(home: string): Record<string, string> {
  return { PATH: process.env.PATH ?? "", HOME: home, TMPDIR: process.env.TMPDIR ?? "/tmp" };
}

/** Runs a program to its end. */
export async function runProgram(
  command: string[],
  { cwd, env, input = "" }: { cwd: string; env: Record<string, string>; input?: string },
): Promise<Ended> {
  const child = Bun.spawn(command, { cwd, env, stdin: Buffer.from(input), stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { exitCode: await child.exited, stdout, stderr };
}

/** Starts `reprise serve` on a free port, with a database of its own and the Redis there is, and waits until it answers. */
export async function startService({ command = program, dataDir, env = {} }: ServiceOptions = {}): Promise<Service> {
  const database = await freshDatabase();
  const home = new Throwaway("service", "pid", "KILL");
  const cwd = join(home.folder, "empty");
  mkdirSync(cwd);
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  const environment = {
    ...cleanEnvironment(cwd),
    HOST: "127.0.0.1",
    PORT: String(port),
    PUBLIC_URL: url,
    ...(dataDir === undefined ? {} : { DATA_DIR: dataDir }),
    ...(database.url === null ? {} : { DATABASE_URL: database.url }),
    ...(process.env.REDIS_URL ? { REDIS_URL: process.env.REDIS_URL } : {}),
    ...env,
  };
  const pidFile = join(home.folder, "pid");
  const printed = join(home.folder, "printed");
  let server: Bun.Subprocess | null = null;
  let admins = 0;
  let visitors = 0;

  const output = () => readFileSync(printed, "utf8");

  async function start(): Promise<void> {
    const log = openSync(printed, "a");
    const started = Bun.spawn([...command, "serve"], { cwd, env: environment, stdio: ["ignore", log, log] });
    closeSync(log);
    // Whoever ends this process ends that one (`Throwaway`).
    writeFileSync(pidFile, `${started.pid}`);
    server = started;
    const answers = () =>
      fetch(`${url}/api/health`).then(
        ({ ok }) => ok,
        () => false,
      );
    // A process that a signal ended has no exit code.
    const isOver = () => started.exitCode !== null || started.signalCode !== null;
    await until("the service answers", async () => isOver() || (await answers()), 30_000);
    if (isOver()) throw new Error(`the service ended with ${started.exitCode ?? started.signalCode}\n${output()}`);
  }

  async function end(signal: "SIGKILL" | "SIGTERM"): Promise<number> {
    server?.kill(signal);
    const exitCode = (await server?.exited) ?? 0;
    rmSync(pidFile, { force: true });
    return exitCode;
  }

  const run = (args: string[], input = "") => runProgram([...command, ...args], { cwd, env: environment, input });

  /** Each request comes from an address of its own, as far as the service is told to believe that. */
  async function api<Body>(method: string, path: string, { body, token, headers }: Sent = {}): Promise<Answer<Body>> {
    visitors++;
    const response = await fetch(`${url}${path}`, {
      method,
      redirect: "manual",
      headers: {
        "x-client-address": `10.1.${visitors >> 8}.${visitors & 255}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : {} };
  }

  async function tokenFrom(path: string, body: object): Promise<string> {
    const answer = await api<{ token?: string }>("POST", path, { body });
    if (!answer.body.token) throw new Error(`${path} gave no token: ${answer.status} ${answer.text}`);
    return answer.body.token;
  }

  await start();
  return {
    url,
    databaseUrl: database.url,
    api,
    run,
    start,
    output,
    signUp: (email) => tokenFrom("/api/auth/sign-up/email", { email, password: PASSWORD, name: "Somebody" }),
    signIn: (email) => tokenFrom("/api/auth/sign-in/email", { email, password: PASSWORD }),
    async admin() {
      const email = `admin${++admins}@example.com`;
      const made = await run(["admin", "create", "--email", email, "--password-stdin"], `${PASSWORD}\n`);
      if (made.exitCode !== 0) throw new Error(`no admin was made: ${made.stderr}`);
      return tokenFrom("/api/auth/sign-in/email", { email, password: PASSWORD });
    },
    async kill() {
      await end("SIGKILL");
    },
    stop: () => end("SIGTERM"),
    async remove() {
      await end("SIGKILL");
      await home.remove();
      await database.drop();
    },
  };
}
