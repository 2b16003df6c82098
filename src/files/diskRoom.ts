import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Fault } from "../fault.ts";

/** How long an answer of the file system is taken for true. */
const FREE_TTL_MS = 250;

/** Says whether a file system has room, so that one tenant's files never fill it for all others and for the database. */
export interface DiskRoom {
  /** True while less is free than must stay free after `bytes` more. */
  isShort(bytes?: number): Promise<boolean>;
  /** @throws AppError UNAVAILABLE while it is short */
  check(bytes?: number): Promise<void>;
}

/** The statistics of the file system that a folder is on, or will be: its first file makes it. */
async function statfsOf(folder: string): Promise<{ bavail: number; bsize: number }> {
  try {
    return await statfs(folder);
  } catch (error) {
    const parent = dirname(folder);
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || parent === folder) throw error;
    return statfsOf(parent);
  }
}

/** Watches the file system of a folder; `floorBytes` of it must stay free. */
export function diskRoom(folder: string, floorBytes: number): DiskRoom {
  let free = 0;
  let askedAt = Number.NEGATIVE_INFINITY;

  async function isShort(bytes = 0): Promise<boolean> {
    if (floorBytes === 0) return false;
    if (performance.now() - askedAt > FREE_TTL_MS) {
      const { bavail, bsize } = await statfsOf(resolve(folder));
      free = bavail * bsize;
      askedAt = performance.now();
    }
    return free - bytes < floorBytes;
  }

  return {
    isShort,
    async check(bytes) {
      if (!(await isShort(bytes))) return;
      throw new Fault("UNAVAILABLE", "The disk is nearly full, so no files are taken: try again later", {
        cause: new Error(`less than ${floorBytes} bytes (MIN_FREE_DISK_MB) would stay free in ${folder}`),
        retryAfterSeconds: 60,
      });
    },
  };
}
