import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Folder on a small disk of its own, which a test can fill and free again. */
export interface SmallDisk {
  folder: string;
  /** Wraps a command so that the limit holds for it. */
  wrap(command: readonly string[]): string[];
  /** Leaves at most `bytes` free for the process `pid`. */
  fill(bytes: number, pid: number): void;
  /** Frees the disk again. */
  free(pid: number): void;
  remove(): void;
}

const MEBIBYTE = 2 ** 20;

/**
 * Creates a small disk at a folder that does not exist yet: a tmpfs where mounting is permitted (root), and else a limit on
 * how far each file may grow (RLIMIT_FSIZE), which needs no permission. FULL_DISK=limit forces the latter.
 */
export function createSmallDisk(folder: string, mebibytes: number): SmallDisk {
  mkdirSync(folder, { recursive: true });
  const mount = ["mount", "-t", "tmpfs", "-o", `size=${mebibytes}m`, "none", folder];
  const isMounted = process.env.FULL_DISK !== "limit" && Bun.which("mount") !== null && succeeds(mount);
  console.log(`a small disk: ${isMounted ? "tmpfs" : "RLIMIT_FSIZE"}`);
  return isMounted ? mounted(folder) : limited(folder);
}

function succeeds(command: readonly string[]): boolean {
  return Bun.spawnSync([...command], { stdio: ["ignore", "ignore", "ignore"] }).exitCode === 0;
}

function mounted(folder: string): SmallDisk {
  const filler = join(folder, "filler");
  return {
    folder,
    wrap: (command) => [...command],
    fill(bytes) {
      const { bavail, bsize } = statfsSync(folder);
      try {
        writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - bytes)));
      } catch (error) {
        // The program writes at the same time, so that less may be free by now.
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
    },
    free: () => rmSync(filler),
    remove() {
      succeeds(["umount", "-l", folder]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** SIGXFSZ is ignored, so that a write beyond the limit is an error (EFBIG) and not the end of the process. */
function limited(folder: string): SmallDisk {
  const limit = (pid: number, bytes: string) => {
    if (!succeeds(["prlimit", `--pid=${pid}`, `--fsize=${bytes}:unlimited`]))
      throw new Error("prlimit could not set RLIMIT_FSIZE");
  };
  return {
    folder,
    wrap: (command) => ["sh", "-c", `trap "" XFSZ; exec "$@"`, "sh", ...command],
    fill(bytes, pid) {
      const largest = Math.max(0, ...[...new Bun.Glob("*").scanSync(folder)].map((name) => sizeOf(join(folder, name))));
      limit(pid, String(Math.floor((largest + bytes) / MEBIBYTE) * MEBIBYTE || 4096));
    },
    free: (pid) => limit(pid, "unlimited"),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const sizeOf = (path: string) => Bun.file(path).size;
