import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { findFreePort } from "../test/support/servers/temp-server.ts";
import { formatSpread, printHeading, printRow } from "./report.ts";

const STARTS = 15;
const MIB = 1024 * 1024;

/** Measures the compiled program: size against an empty one, time to the first response, and memory. */
export async function benchBinary(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "reprise-bench-"));
  try {
    printHeading("The binary");
    await run([process.execPath, "scripts/build.ts"]);
    const ours = resolve("dist/reprise");
    const empty = join(folder, "empty");
    writeFileSync(join(folder, "empty.ts"), "console.log(1);\n");
    await run([process.execPath, "build", "--compile", "--bytecode", join(folder, "empty.ts"), "--outfile", empty]);
    const [size, emptySize] = [statSync(ours).size, statSync(empty).size];
    printRow("size", `${(size / 1e6).toFixed(1)} MB`);
    printRow("size against an empty compiled program", (size / emptySize).toFixed(3), "<= 1.1");

    const firsts: number[] = [];
    const again: number[] = [];
    const idle: number[] = [];
    for (let start = 0; start < STARTS; start++) {
      const dataDir = join(folder, `data${start}`);
      const fresh = await startOnce(ours, dataDir);
      firsts.push(fresh.milliseconds);
      await Bun.sleep(200);
      idle.push(residentSet(fresh.pid) / MIB);
      await fresh.stop();
      const second = await startOnce(ours, dataDir);
      again.push(second.milliseconds);
      await second.stop();
    }
    printRow("exec to first 200, empty folder, ms", formatSpread(firsts));
    printRow("exec to first 200, second start, ms", formatSpread(again), "<= 60");
    printRow("memory idle (RSS), MiB", formatSpread(idle), "<= 100");
    printRow(
      "memory under load (peak RSS of the demo), MiB",
      ((await demoPeak(ours, folder)) / MIB).toFixed(0),
      "<= 200",
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(command: string[]): Promise<void> {
  const child = Bun.spawn(command, { stdout: "ignore", stderr: "inherit" });
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")} failed`);
}

async function startOnce(binary: string, dataDir: string) {
  const port = findFreePort();
  const env = { ...process.env, PORT: String(port), DATA_DIR: dataDir, HOST: "127.0.0.1", LOG_LEVEL: "silent" };
  const started = performance.now();
  const child = Bun.spawn([binary, "serve"], { env, stdout: "ignore", stderr: "ignore" });
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/api/health`).catch(() => null);
    if (answer?.ok) break;
    await Bun.sleep(1);
  }
  const milliseconds = performance.now() - started;
  return {
    milliseconds,
    pid: child.pid,
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

function residentSet(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) * 1024;
}

async function demoPeak(binary: string, folder: string): Promise<number> {
  const env = { ...process.env, DATA_DIR: join(folder, "demo"), LOG_LEVEL: "silent" };
  const child = Bun.spawn([binary, "demo", "--exit", "--json"], { env, stdout: "ignore", stderr: "ignore" });
  await child.exited;
  return child.resourceUsage()?.maxRSS ?? Number.NaN;
}
