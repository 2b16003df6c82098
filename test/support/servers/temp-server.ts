import { mkdtempSync, openSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Finds a program on the PATH or in the folders of system programs. */
export function findProgram(name: string): string | null {
  return Bun.which(name, { PATH: `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/sbin:/opt/homebrew/bin` });
}

export function findFreePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  probe.stop(true);
  return probe.port;
}

/** Waits until a condition holds. `what` is the message of the error after the deadline. */
export async function waitUntil(
  what: string,
  holds: () => Promise<boolean>,
  milliseconds = 30_000,
  pause = 10,
): Promise<void> {
  const deadline = Date.now() + milliseconds;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`${what}: not so after ${milliseconds} ms`);
    await Bun.sleep(pause);
  }
}

export async function isListening(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}

/**
 * Script that ends a server and deletes its folder. It waits at a pipe that closes when `remove` is called, or when this process
 * dies, by any signal: `bun test` runs no exit handlers.
 */
const keeper = `
trap '' INT TERM HUP
cat >/dev/null
pid=$(head -n 1 "$2" 2>/dev/null)
left=250
# Repeated, because a server may miss a signal while it starts.
while [ $left -gt 0 ] && kill -s "$3" "$pid" 2>/dev/null; do left=$((left - 1)); sleep 0.02; done
[ $left -gt 0 ] || kill -9 "$pid"
left=50
# Its last children may still be writing.
until rm -rf "$1" 2>/dev/null || [ $left -eq 0 ]; do left=$((left - 1)); sleep 0.02; done`;

/** Server with a temporary folder. Neither outlives `remove`, nor this process. */
export class TempServer {
  readonly folder: string;
  readonly #pidFile: string;
  readonly #signal: "TERM" | "INT" | "KILL";
  readonly #keeper: Bun.Subprocess<"pipe">;
  readonly #log: number;
  #server: Bun.Subprocess | null = null;

  /** `pidFile` is the file in the folder to which the server writes its process id; `signal` ends it at once. */
  constructor(name: string, pidFile: string, signal: "TERM" | "INT" | "KILL" = "TERM") {
    this.folder = mkdtempSync(join(tmpdir(), `reprise-${name}-`));
    this.#pidFile = join(this.folder, pidFile);
    this.#signal = signal;
    this.#log = openSync(join(this.folder, "log"), "a");
    this.#keeper = Bun.spawn(["sh", "-c", keeper, "keeper", this.folder, this.#pidFile, signal], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    });
    this.#keeper.unref();
  }

  /** Runs a program to its end. @throws Error with its output when it fails */
  async run(command: string[]): Promise<void> {
    if ((await this.#spawn(command).exited) !== 0) await this.#fail(`${command[0]} failed`);
  }

  /** Starts the server in the foreground, and waits until it is ready and has written its process id. */
  async start(command: string[], isReady: () => Promise<boolean>): Promise<void> {
    const server = this.#spawn(command);
    this.#server = server;
    const hasPidFile = () => Bun.file(this.#pidFile).size > 0;
    const isSettled = async () => server.exitCode !== null || (hasPidFile() && (await isReady()));
    await waitUntil(`${command[0]} is ready`, isSettled, 30_000);
    if (server.exitCode !== null) await this.#fail(`${command[0]} did not start`);
  }

  /** Ends the server and keeps its folder for another start. */
  async end(signal = this.#signal): Promise<void> {
    process.kill(Number.parseInt(await Bun.file(this.#pidFile).text(), 10), `SIG${signal}`);
    await this.#server?.exited;
  }

  async remove(): Promise<void> {
    this.#keeper.stdin.end();
    await this.#keeper.exited;
  }

  #spawn(command: string[]): Bun.Subprocess {
    return Bun.spawn(command, { stdio: ["ignore", this.#log, this.#log], cwd: this.folder });
  }

  async #fail(what: string): Promise<never> {
    const log = await Bun.file(join(this.folder, "log")).text();
    await this.remove();
    throw new Error(`${what}\n${log}`);
  }
}
