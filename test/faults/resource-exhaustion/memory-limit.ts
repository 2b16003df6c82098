import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Limit on the memory of a process. */
export interface MemoryLimit {
  /** Enforced by the kernel, or by polling the process. */
  kind: "cgroup v2" | "cgroup v1" | "watched";
  /** Wraps the command of the program, so that the limit holds from its first page. */
  command(program: string[]): string[];
  /** Starts to poll a process. */
  watch(pid: number): void;
  /** Largest resident set so far, in bytes. */
  peak(): number;
  remove(): void;
}

const V2 = "/sys/fs/cgroup";
const V1 = "/sys/fs/cgroup/memory";
const LOOK_MS = 50;

/** Creates a control group with the limit; null where this is not permitted. */
function makeGroup(parent: string, files: Record<string, string>): string | null {
  const folder = join(parent, `reprise-survival-${process.pid}`);
  try {
    mkdirSync(folder);
  } catch {
    return null;
  }
  try {
    for (const [name, value] of Object.entries(files)) writeFileSync(join(folder, name), value);
    return folder;
  } catch {
    rmdirSync(folder);
    return null;
  }
}

function residentOf(pid: number, name: "VmHWM" | "VmRSS"): number {
  try {
    const told = new RegExp(`${name}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(told ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/**
 * Limits a program to so many bytes without swap: by a control group where permitted, else by killing it beyond them.
 * `ulimit -v` would not do: JavaScriptCore reserves far more address space than it ever uses.
 */
export function limitMemory(bytes: number): MemoryLimit {
  const isV2 = existsSync(join(V2, "cgroup.controllers"));
  const group = isV2
    ? makeGroup(V2, { "memory.max": String(bytes), "memory.swap.max": "0" })
    : makeGroup(V1, { "memory.limit_in_bytes": String(bytes), "memory.swappiness": "0" });
  const kind = group === null ? "watched" : isV2 ? "cgroup v2" : "cgroup v1";
  let peak = 0;
  let watching: Timer | undefined;
  return {
    kind,
    command: (program) =>
      group === null ? program : ["sh", "-c", `echo $$ > '${group}/cgroup.procs' && exec "$@"`, "sh", ...program],
    watch(pid) {
      watching = setInterval(() => {
        peak = Math.max(peak, residentOf(pid, "VmHWM"));
        if (group === null && residentOf(pid, "VmRSS") > bytes) process.kill(pid, "SIGKILL");
      }, LOOK_MS);
    },
    peak: () => peak,
    remove() {
      clearInterval(watching);
      if (group !== null) rmdirSync(group);
    },
  };
}
