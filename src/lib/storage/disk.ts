import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FILE_MODE, FOLDER_MODE } from "../data-folder/private-files.ts";
import { AppError } from "../errors.ts";
import type { FileStorage } from "./storage.ts";

/** Stores files in a folder, for a single machine. */
export function createDiskStorage(folder: string): FileStorage {
  /** @throws for a malformed name, which could lead out of the folder */
  function toPath(name: string): string {
    if (!/^[a-z0-9-]+(\/[a-z0-9-]+)*\.[a-z0-9]+$/.test(name)) throw new Error(`invalid file name: ${name}`);
    return join(folder, name);
  }

  return {
    async put(name, content) {
      const path = toPath(name);
      try {
        await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
        await writeFile(toTemporaryPath(path), content);
        await rename(toTemporaryPath(path), path);
        await syncFolder(dirname(path));
      } catch (error) {
        await rm(toTemporaryPath(path), { force: true }).catch(() => {});
        throw new AppError("UNAVAILABLE", "The file cannot be stored: try again later", {
          cause: error,
          retryAfterSeconds: 30,
        });
      }
    },
    async get(name) {
      const file = Bun.file(toPath(name));
      return (await file.exists()) ? file : null;
    },
    async delete(name) {
      await rm(toTemporaryPath(toPath(name)), { force: true });
      await rm(toPath(name), { force: true });
    },
  };
}

/** Returns the path of a file until it is complete. No other name has two dots. */
const toTemporaryPath = (path: string) => `${path}.part`;

async function writeFile(path: string, content: Uint8Array): Promise<void> {
  const file = await open(path, "w", FILE_MODE);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Syncs a folder, which makes a new name in it durable. Windows has no such call and does not need it. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
