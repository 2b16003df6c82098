import { closeSync, fchmodSync, fstatSync, mkdirSync, openSync } from "node:fs";

/** Modes of everything that Reprise writes, which only its own user may access. */
export const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;
/** Bits that give access to other users. */
export const LOOSE_BITS = 0o077;

/** Removes the access of other users from every file that this process will create, including those of libraries. */
export function setPrivateUmask(): void {
  process.umask(LOOSE_BITS);
}

/** Creates a folder and its missing parents, for this user only. */
export function createPrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: FOLDER_MODE });
}

/**
 * Creates an empty file for this user only, before a library opens it that does not set modes. SQLite gives its -wal, -shm and
 * -journal files the mode of the database. Never opens an existing file: closing it would end SQLite's locks on it.
 */
export function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", FILE_MODE));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

/** Opens a file for appending, for this user only. Removes the access of others from an existing file of this user. */
export function openPrivateAppend(path: string): number {
  const file = openSync(path, "a", FILE_MODE);
  const found = fstatSync(file);
  if (found.isFile() && found.uid === process.getuid?.() && (found.mode & LOOSE_BITS) !== 0) {
    // A file system without modes needs no repair.
    try {
      fchmodSync(file, FILE_MODE);
    } catch {}
  }
  return file;
}
