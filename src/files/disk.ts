import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Fault } from "../fault.ts";
import { FILE_MODE, FOLDER_MODE } from "../privateFiles.ts";
import type { Files } from "./files.ts";

/** Files in a folder, for a single machine. */
export function diskFiles(folder: string): Files {
  /** @throws for what is no name of ours: it must not lead out of the folder. */
  function pathOf(name: string): string {
    if (!/^[a-z0-9-]+(\/[a-z0-9-]+)*\.[a-z0-9]+$/.test(name)) throw new Error(`not a file name: ${name}`);
    return join(folder, name);
  }

  return {
    async put(name, content) {
      const path = pathOf(name);
      try {
        await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
        await write(unfinished(path), content);
        await rename(unfinished(path), path);
        await sync(dirname(path));
      } catch (error) {
        await rm(unfinished(path), { force: true }).catch(() => {});
        throw new Fault("UNAVAILABLE", "The file cannot be stored: try again later", {
          cause: error,
          retryAfterSeconds: 30,
        });
      }
    },
    async get(name) {
      const file = Bun.file(pathOf(name));
      return (await file.exists()) ? file : null;
    },
    async remove(name) {
      await rm(unfinished(pathOf(name)), { force: true });
      await rm(pathOf(name), { force: true });
    },
  };
}

/** Where a file lies until all of it is on the disk. No name of ours has two dots. */
const unfinished = (path: string) => `${path}.part`;

async function write(path: string, content: Uint8Array): Promise<void> {
  const file = await open(path, "w", FILE_MODE);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A new name is durable only with the folder it stands in. Windows cannot, and needs not. */
async function sync(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
