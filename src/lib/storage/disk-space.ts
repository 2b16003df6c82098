import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { AppError } from "../errors.ts";

/** Time for which the free space is cached. */
const FREE_TTL_MS = 250;

/** Watches the free space of a file system, so that one tenant's files never fill it for all others and for the database. */
export interface DiskSpace {
  /** Returns whether `bytes` more would leave less than the minimum free. */
  isLow(bytes?: number): Promise<boolean>;
  /** @throws AppError UNAVAILABLE when `bytes` more would leave less than the minimum free */
  assertFree(bytes?: number): Promise<void>;
}

/** Gets the statistics of a folder's file system; of its parent's while the folder does not exist yet. */
async function getFileSystemStats(folder: string): Promise<{ bavail: number; bsize: number }> {
  try {
    return await statfs(folder);
  } catch (error) {
    const parent = dirname(folder);
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || parent === folder) throw error;
    return getFileSystemStats(parent);
  }
}

/** Watches the file system of a folder, of which `minFreeBytes` must stay free; 0 disables the check. */
export function watchDiskSpace(folder: string, minFreeBytes: number): DiskSpace {
  let free = 0;
  let checkedAt = Number.NEGATIVE_INFINITY;

  async function isLow(bytes = 0): Promise<boolean> {
    if (minFreeBytes === 0) return false;
    if (performance.now() - checkedAt > FREE_TTL_MS) {
      const { bavail, bsize } = await getFileSystemStats(resolve(folder));
      free = bavail * bsize;
      checkedAt = performance.now();
    }
    return free - bytes < minFreeBytes;
  }

  return {
    isLow,
    async assertFree(bytes) {
      if (!(await isLow(bytes))) return;
      throw new AppError("UNAVAILABLE", "The disk is almost full, so no files are accepted: try again later", {
        cause: new Error(`less than ${minFreeBytes} bytes (MIN_FREE_DISK_MB) would stay free in ${folder}`),
        retryAfterSeconds: 60,
      });
    },
  };
}
