import { closeSync, fchmodSync, fstatSync, mkdirSync, openSync } from "node:fs";

/** What Reprise writes is for its own user only: contacts, messages, hashes of passwords, uploads. */
export const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;
/** Bits that let anybody else in. */
export const LOOSE_BITS = 0o077;

/** Takes from every file that this process will create, whoever creates it, what lets other users in. */
export function setPrivateUmask(): void {
  process.umask(LOOSE_BITS);
}

/** Creates a folder and those above it where they are missing, for this user only. */
export function createPrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: FOLDER_MODE });
}

/**
 * Creates an empty file for this user only, before a library opens it that knows no modes. SQLite gives its -wal, -shm and
 * -journal files the mode of the database. Never opens a file that is there: closing it would end SQLite's locks on it.
 */
export function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", FILE_MODE));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

/** Opens a file for appending, for this user only. Takes rights of others from one of ours that was there before. */
export function openPrivateAppend(path: string): number {
  const file = openSync(path, "a", FILE_MODE);
  const found = fstatSync(file);
  if (found.isFile() && found.uid === process.getuid?.() && (found.mode & LOOSE_BITS) !== 0) {
    // Where the file system keeps no modes there is nothing to be done.
    try {
      fchmodSync(file, FILE_MODE);
    } catch {}
  }
  return file;
}
