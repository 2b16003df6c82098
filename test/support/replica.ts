import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type ApiClient, createApiClient, PASSWORD } from "./api-client.ts";
import { SOURCE_PROGRAM } from "./project-root.ts";
import { findFreePort, TempServer, waitUntil } from "./servers/temp-server.ts";

/** Command of the program under test: the source, or the binary that REPRISE_BINARY names. */
export const program = process.env.REPRISE_BINARY ? [resolve(process.env.REPRISE_BINARY)] : SOURCE_PROGRAM;

export interface ProcessResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface ReplicaOptions {
  /** Command that starts the program. */
  command?: string[] | undefined;
  /** Arguments after `serve`. */
  args?: string[] | undefined;
  /** Prefix of its admins' addresses; replicas on one database need different ones. */
  adminName?: string;
  env?: Record<string, string>;
}

/** Process of the program, and a client of its API. */
export interface Replica extends ApiClient {
  url: string;
  /** Working folder, empty at first; by default its data is below it. */
  folder: string;
  /** Reports whether it is started, and neither ended nor suspended. */
  isServing(): boolean;
  /** Reports whether its process is over; false while it is suspended. */
  hasExited(): boolean;
  /** Runs another command on the same data to its end, such as `["ledger", "verify"]`. */
  run(args: string[], input?: string): Promise<ProcessResult>;
  /** Creates another admin; returns their token. */
  admin(): Promise<string>;
  /** Starts it on the same data and port as before, and waits until it answers. */
  start(): Promise<void>;
  /** Sends SIGKILL and waits for the end. */
  kill(): Promise<void>;
  /** Sends SIGTERM; returns the exit code. */
  stop(): Promise<number>;
  /** Sends SIGSTOP: the program does not run until SIGCONT. */
  suspend(): void;
  /** Sends SIGCONT. */
  resume(): void;
  /** Returns all it has printed, over all starts. */
  output(): string;
  /** Kills it and deletes its folder. */
  remove(): Promise<void>;
}

/** Returns the variables of a program under test, without the developer's own settings. */
export function cleanEnvironment(home: string): Record<string, string> {
  return { PATH: process.env.PATH ?? "", HOME: home, TMPDIR: process.env.TMPDIR ?? "/tmp" };
}

/** Runs a program to its end. */
export async function runProgram(
  command: string[],
  { cwd, env, input = "" }: { cwd: string; env: Record<string, string>; input?: string },
): Promise<ProcessResult> {
  const child = Bun.spawn(command, { cwd, env, stdin: Buffer.from(input), stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { exitCode: await child.exited, stdout, stderr };
}

/** Prepares a `reprise serve` on a free port; `start` starts it. */
export function createReplica({
  command = program,
  args = [],
  adminName = "admin",
  env = {},
}: ReplicaOptions): Replica {
  const home = new TempServer("replica", "pid", "KILL");
  const folder = join(home.folder, "empty");
  mkdirSync(folder);
  const port = findFreePort();
  let admins = 0;
  const url = `http://127.0.0.1:${port}`;
  const environment = {
    ...cleanEnvironment(folder),
    HOST: "127.0.0.1",
    PORT: String(port),
    PUBLIC_URL: url,
    ...env,
  };
  const pidFile = join(home.folder, "pid");
  const printed = join(home.folder, "printed");
  let server: Bun.Subprocess | null = null;
  let frozen = false;

  const output = () => readFileSync(printed, "utf8");
  // A process that a signal ended has no exit code.
  const isOver = (process: Bun.Subprocess) => process.exitCode !== null || process.signalCode !== null;
  const client = createApiClient(() => url);
  const run = (args: string[], input = "") =>
    runProgram([...command, ...args], { cwd: folder, env: environment, input });

  async function end(signal: "SIGKILL" | "SIGTERM"): Promise<number> {
    server?.kill(signal);
    const exitCode = (await server?.exited) ?? 0;
    frozen = false;
    rmSync(pidFile, { force: true });
    return exitCode;
  }

  function signal(name: "SIGSTOP" | "SIGCONT"): void {
    frozen = name === "SIGSTOP";
    server?.kill(name);
  }

  return {
    ...client,
    url,
    folder,
    run,
    output,
    hasExited: () => server !== null && isOver(server),
    isServing: () => server !== null && !isOver(server) && !frozen,
    async start() {
      const log = openSync(printed, "a");
      const stdio = ["ignore", log, log] as ["ignore", number, number];
      const started = Bun.spawn([...command, "serve", ...args], { cwd: folder, env: environment, stdio });
      closeSync(log);
      // The folder's script ends it with this process.
      writeFileSync(pidFile, `${started.pid}`);
      server = started;
      const answers = () =>
        fetch(`${url}/api/health`).then(
          ({ ok }) => ok,
          () => false,
        );
      await waitUntil("the service answers", async () => isOver(started) || (await answers()), 30_000);
      if (isOver(started))
        throw new Error(`the service ended with ${started.exitCode ?? started.signalCode}\n${output()}`);
    },
    async admin() {
      const email = `${adminName}${++admins}@example.com`;
      const made = await run(["admin", "create", "--email", email, "--password-stdin"], `${PASSWORD}\n`);
      if (made.exitCode !== 0) throw new Error(`no admin was made: ${made.stderr}`);
      return client.signIn(email);
    },
    async kill() {
      await end("SIGKILL");
    },
    stop: () => end("SIGTERM"),
    suspend: () => signal("SIGSTOP"),
    resume: () => signal("SIGCONT"),
    async remove() {
      await end("SIGKILL");
      await home.remove();
    },
  };
}
