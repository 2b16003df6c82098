import { chmodSync, lstatSync, readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import {
  checkDatabaseFile,
  checkKeyOwner,
  checkOwner,
  checkParent,
  isRoot,
  openFolder,
  STICKY_BIT,
  WRITABLE_BY_OTHERS,
} from "./folder-access.ts";
import { FILE_MODE, FOLDER_MODE, LOOSE_BITS } from "./private-files.ts";

/** The repairs and problems of a check of the data folder. */
export interface FolderCheck {
  /** Paths below the folder whose modes were repaired; `.` is the folder itself. */
  repaired: string[];
  /** Sentences about the permissions that could not be repaired. */
  problems: string[];
}

/** Names of our own files in the data folder. Other files are left alone; `secrets.ts` checks the key. */
const OUR_FILES = /^(?:reprise|lock)\.db|^secret\.key\./;
const KEY_FILE = "secret.key";
const OUR_FOLDERS = new Set(["files", "imports", "demo"]);
/** Folders that do not mean that another program uses the data folder. */
const NEUTRAL_FOLDERS = new Set([...OUR_FOLDERS, "lost+found"]);

const WRITABLE_BY_GROUP = 0o020;

/**
 * Creates the data folder where it is missing, and removes the access of other users from it and from our files in it
 * (folders 0700, files 0600). What cannot be repaired (a volume that belongs to root, a file system without modes, a folder
 * shared with something else) is reported: it must not keep a service from starting.
 * @param isRequired whether the service cannot run without it, as on SQLite
 * @throws AppError CONFLICT when the folder or the database belongs to another user, UNAVAILABLE when it cannot be written to
 */
export function checkDataFolder(dataDir: string, isRequired: boolean): FolderCheck {
  const check: FolderCheck = { repaired: [], problems: [] };
  // Windows has no such modes.
  const uid = process.getuid?.();
  if (process.platform === "win32" || uid === undefined) return check;
  const found = openFolder(dataDir, isRequired, uid);
  if (found === null) return check;
  const { folder, ownUid, keepsModes } = found;
  const stats = statSync(folder);
  if (ownUid === uid) checkOwner(folder, stats, uid, check.problems);
  checkParent(folder, check.problems);
  if (!keepsModes) {
    check.problems.push(
      `${folder} is on a file system that stores no file modes: mount it so that no other user can read it`,
    );
    return check;
  }
  const isPrivate = repairFolder(folder, stats, ownUid, check);
  // While others may put files there, a path may be another file by the time it is changed.
  if (!isPrivate && (statSync(folder).mode & (WRITABLE_BY_OTHERS | WRITABLE_BY_GROUP)) !== 0) return check;
  repairEntries(folder, ownUid, check);
  return check;
}

/** Returns whether no other user has access to the folder now. */
function repairFolder(folder: string, { mode, uid: owner, gid }: Stats, uid: number, check: FolderCheck): boolean {
  const isOurs = owner === uid || isRoot();
  // A volume that a container runtime gave to a group of this process, and to no one else.
  if (!isOurs && (mode & 0o007) === 0 && process.getgroups?.().includes(gid)) return true;
  if ((mode & LOOSE_BITS) === 0) return true;
  const others = isShared(folder, mode);
  if (others !== null)
    check.problems.push(
      `${folder} (${formatMode(mode)}) keeps its mode: ${others}. Use a folder of its own for Reprise`,
    );
  else if (!isOurs) check.problems.push(`${folder} (${formatMode(mode)}) belongs to root: chown -R ${uid} ${folder}`);
  else return restrict(folder, ".", FOLDER_MODE, check);
  return false;
}

/** Returns why the folder seems to be shared with other programs, so that its mode must not be changed; null if it is not. */
function isShared(folder: string, mode: number): string | null {
  if ((mode & STICKY_BIT) !== 0) return "it is a folder that all users share";
  const other = readdirSync(folder, { withFileTypes: true }).find(
    (entry) => entry.isDirectory() && !NEUTRAL_FOLDERS.has(entry.name),
  );
  return other ? `it holds other folders too, such as ${other.name}` : null;
}

function repairEntries(folder: string, uid: number, check: FolderCheck): void {
  for (const { name } of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, name);
    if (name === KEY_FILE) checkKeyOwner(path, uid);
    if (!OUR_FILES.test(name) && !OUR_FOLDERS.has(name)) continue;
    // The operator may have placed images or the database elsewhere by a link: the target is checked.
    const target = lstatSync(path).isSymbolicLink() ? findRealPath(path) : path;
    if (target === null) continue;
    const stats = statSync(target);
    if (stats.isFile() && stats.uid !== uid && !isRoot()) checkDatabaseFile(target, stats, uid, check.problems);
    repairEntry(target, name, stats, uid, check);
    if (target !== path) checkParent(target, check.problems);
  }
}

function findRealPath(link: string): string | null {
  try {
    return realpathSync(link);
  } catch {
    return null;
  }
}

/** Restricts a file, or a folder and all below it, to its owner. Links below are never followed. */
function repairEntry(path: string, shown: string, stats: Stats, uid: number, check: FolderCheck): void {
  const isFolder = stats.isDirectory();
  if (!isFolder && !stats.isFile()) return;
  if ((stats.mode & LOOSE_BITS) !== 0 && (stats.uid === uid || isRoot()))
    restrict(path, shown, isFolder ? FOLDER_MODE : FILE_MODE, check);
  // One problem for all that is in it.
  else if ((stats.mode & LOOSE_BITS) !== 0 && !shown.includes("/"))
    check.problems.push(`${path} belongs to user ${stats.uid}: chown -R ${uid} ${path}`);
  if (!isFolder) return;
  let names: string[] = [];
  try {
    names = readdirSync(path);
  } catch {
    check.problems.push(`${path} cannot be read by user ${uid}: chown -R ${uid} ${path}`);
  }
  for (const name of names) {
    const inner = join(path, name);
    const found = lstatSync(inner, { throwIfNoEntry: false });
    if (found) repairEntry(inner, `${shown}/${name}`, found, uid, check);
  }
}

/** Returns whether the mode is restricted now. */
function restrict(path: string, shown: string, mode: number, check: FolderCheck): boolean {
  try {
    chmodSync(path, mode);
    if ((statSync(path).mode & LOOSE_BITS) === 0) {
      check.repaired.push(shown);
      return true;
    }
  } catch {}
  check.problems.push(
    `${path} can be read by other users, and that cannot be changed: chmod ${formatMode(mode)} ${path}`,
  );
  return false;
}

const formatMode = (mode: number) => (mode & 0o7777).toString(8).padStart(4, "0");
