import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  realpathSync,
  rmSync,
  type Stats,
  statSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { AppError } from "../errors.ts";
import { createPrivateFolder, FILE_MODE, LOOSE_BITS } from "./private-files.ts";

const ROOT_UID = 0;
/** Returns whether this process may change files of other users. */
export const isRoot = () => process.getuid?.() === ROOT_UID;
export const WRITABLE_BY_OTHERS = 0o002;
export const STICKY_BIT = 0o1000;

export interface OpenedFolder {
  folder: string;
  /** The owner of files created there: not this user where an NFS server or a mount option maps all users to one. */
  ownUid: number;
  keepsModes: boolean;
}

/**
 * Opens the data folder, and creates it where it is required. Returns null when it is missing or not writable, and not required.
 * @throws AppError UNAVAILABLE or CONFLICT with what to run
 */
export function openFolder(dataDir: string, isRequired: boolean, uid: number): OpenedFolder | null {
  try {
    if (isRequired) createPrivateFolder(dataDir);
    checkLink(dataDir, uid);
    const folder = realpathSync(dataDir);
    return { folder, ...probe(folder, uid) };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (error instanceof AppError) throw error;
    if (!isRequired) return null;
    const action = `Make it writable for user ${uid} (chown -R ${uid} ${dataDir}), or set DATA_DIR`;
    throw new AppError("UNAVAILABLE", `The data folder ${dataDir} cannot be used (${code}). ${action}`, {
      cause: error,
    });
  }
}

/** Detects the owner and mode that the file system gives to new files, by creating and deleting one. */
function probe(folder: string, uid: number): Omit<OpenedFolder, "folder"> {
  const path = join(folder, `.probe-${process.pid}-${crypto.randomUUID()}`);
  let file: number;
  try {
    file = openSync(path, "wx", FILE_MODE);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    // A full disk is no result about owners and modes, and must not keep a service from starting.
    if (code === "ENOSPC" || code === "EDQUOT") return { ownUid: uid, keepsModes: true };
    throw error;
  }
  try {
    const stats = fstatSync(file);
    return { ownUid: stats.uid, keepsModes: (stats.mode & LOOSE_BITS) === 0 };
  } finally {
    closeSync(file);
    rmSync(path, { force: true });
  }
}

function checkLink(dataDir: string, uid: number): void {
  const link = lstatSync(resolve(dataDir));
  if (!link.isSymbolicLink() || link.uid === uid || link.uid === ROOT_UID) return;
  throw new AppError(
    "CONFLICT",
    `The data folder ${dataDir} is a link that belongs to user ${link.uid}, who could point it elsewhere: set DATA_DIR to the folder itself`,
  );
}

/** @throws AppError CONFLICT for a folder whose owner is neither this user nor root */
export function checkOwner(folder: string, { uid: owner }: Stats, uid: number, problems: string[]): void {
  if (owner === uid) return;
  if (uid !== ROOT_UID && owner !== ROOT_UID)
    throw new AppError(
      "CONFLICT",
      `The data folder ${folder} belongs to user ${owner}, who could read and replace everything in it, and this process is user ${uid}. Run: chown -R ${uid} ${folder}`,
    );
  if (uid === ROOT_UID)
    problems.push(`${folder} belongs to user ${owner}, who can read and replace everything in it: chown it to root`);
}

/** Reports a parent folder in which every user could replace the data folder. */
export function checkParent(folder: string, problems: string[]): void {
  const parent = dirname(folder);
  const { mode } = statSync(parent);
  if ((mode & WRITABLE_BY_OTHERS) !== 0 && (mode & STICKY_BIT) === 0)
    problems.push(`${parent} can be written to by every user, who could replace ${folder}: chmod o-w ${parent}`);
}

/** Refuses a key file that another user could replace; `secrets.ts` checks its mode. */
export function checkKeyOwner(path: string, uid: number): void {
  const owner = statSync(path, { throwIfNoEntry: false })?.uid ?? uid;
  if (owner === uid || owner === ROOT_UID || isRoot()) return;
  throw new AppError("CONFLICT", `${path} belongs to user ${owner}, who could replace it. Run: chown ${uid} ${path}`);
}

/** Reports a database file of another user. @throws AppError CONFLICT for one that this user cannot write */
export function checkDatabaseFile(path: string, { uid: owner }: Stats, uid: number, problems: string[]): void {
  const belongs = `${path} belongs to user ${owner}, and this process is user ${uid}. Run: chown ${uid} ${path}`;
  let isWritable = true;
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch {
    isWritable = false;
  }
  if (!isWritable) throw new AppError("CONFLICT", belongs);
  problems.push(belongs);
}
