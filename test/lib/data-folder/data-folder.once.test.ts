import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { checkDataFolder } from "../../../src/lib/data-folder/data-folder.ts";
import { createDiskStorage } from "../../../src/lib/storage/disk.ts";
import { receiveFile } from "../../../src/modules/imports/upload.ts";
import { openJournal } from "../../../src/simulator/journal.ts";
import { SOURCE_PROGRAM } from "../../support/project-root.ts";
import { cleanEnvironment, runProgram } from "../../support/replica.ts";
import { findFreePort, waitUntil } from "../../support/servers/temp-server.ts";

const program = process.env.REPRISE_BINARY ? [resolve(process.env.REPRISE_BINARY)] : SOURCE_PROGRAM;

/** A user id different from this process's, used where the process may switch users: root in a container. */
const OTHER_UID = 65_534;
const THIRD_UID = 12_345;
const asOther = ["setpriv", `--reuid=${OTHER_UID}`, `--regid=${OTHER_UID}`, "--clear-groups"];
const isRoot = process.getuid?.() === 0 && Bun.which("setpriv") !== null;

let home: string;
let data: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "reprise-folder-"));
  data = join(home, "data");
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const modeOf = (path: string) => (lstatSync(path).mode & 0o7777).toString(8);

/** Lists all paths below a folder, and `.` for itself, whose modes give other users access. */
function listLoosePaths(folder: string): string[] {
  const all = [".", ...(readdirSync(folder, { recursive: true }) as string[])];
  return all.filter((path) => {
    const stats = lstatSync(join(folder, path));
    return !stats.isSymbolicLink() && (stats.mode & 0o077) !== 0;
  });
}

function makeFile(path: string, mode: number, content = "x"): string {
  mkdirSync(resolve(path, ".."), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

/** Creates a data folder as versions without file modes left it. */
function createLooseFolder(): void {
  for (const name of ["reprise.db", "reprise.db-wal", "reprise.db-shm", "lock.db", "lock.db-journal"])
    makeFile(join(data, name), 0o644);
  makeFile(join(data, "files/profile-images/a.png"), 0o664);
  makeFile(join(data, "imports/b.csv"), 0o666);
  makeFile(join(data, "demo/reprise.db"), 0o644);
  for (const name of ["files/profile-images", "files", "imports", "demo", "."]) chmodSync(join(data, name), 0o755);
}

describe("data folder check", () => {
  test("a missing folder is created with mode 0700, and its missing parents too", () => {
    const deep = join(home, "a/b/data");
    expect(checkDataFolder(deep, true)).toEqual({ repaired: [], problems: [] });
    expect([modeOf(join(home, "a")), modeOf(deep)]).toEqual(["700", "700"]);
    expect(readdirSync(deep)).toEqual([]);
  });

  test("modes of own files and folders that give other users access are repaired, once", () => {
    createLooseFolder();
    const { repaired, problems } = checkDataFolder(data, true);
    expect(problems).toEqual([]);
    expect(repaired).toHaveLength(13);
    expect(repaired).toContain(".");
    expect(repaired).toContain("files/profile-images/a.png");
    expect(listLoosePaths(data)).toEqual([]);
    expect(modeOf(join(data, "reprise.db"))).toBe("600");
    expect(checkDataFolder(data, true)).toEqual({ repaired: [], problems: [] });
  });

  test("foreign files and the secret key keep their modes", () => {
    createLooseFolder();
    makeFile(join(data, "notes.sh"), 0o755);
    makeFile(join(data, "secret.key"), 0o644);
    checkDataFolder(data, true);
    expect([modeOf(join(data, "notes.sh")), modeOf(join(data, "secret.key"))]).toEqual(["755", "644"]);
  });

  test("a folder that also holds foreign folders keeps its mode and is reported; own files in the folder are repaired", () => {
    createLooseFolder();
    mkdirSync(join(data, "public_html"));
    const { problems } = checkDataFolder(data, true);
    expect(problems).toEqual([expect.stringContaining("holds other folders too, such as public_html")]);
    expect(modeOf(data)).toBe("755");
    expect(listLoosePaths(data)).toEqual([".", "public_html"]);
  });

  test("a folder with the sticky bit, shared by all users, keeps its mode and is reported", () => {
    mkdirSync(data);
    chmodSync(data, 0o1777);
    expect(checkDataFolder(data, true).problems).toEqual([expect.stringContaining("all users share")]);
    expect(modeOf(data)).toBe("1777");
  });

  test("the target of a linked data folder and of links directly inside is repaired; links further down are not followed", () => {
    createLooseFolder();
    const elsewhere = join(home, "elsewhere");
    makeFile(join(elsewhere, "c.png"), 0o644);
    chmodSync(elsewhere, 0o755);
    rmSync(join(data, "files"), { recursive: true });
    symlinkSync(elsewhere, join(data, "files"));
    const alien = makeFile(join(home, "alien"), 0o644);
    symlinkSync(alien, join(data, "imports/alien.csv"));
    symlinkSync("nowhere", join(data, "reprise.db-journal"));
    symlinkSync(data, join(home, "link"));
    expect(checkDataFolder(join(home, "link"), true).problems).toEqual([]);
    expect([...listLoosePaths(data), ...listLoosePaths(elsewhere)]).toEqual([]);
    expect(modeOf(alien)).toBe("644");
  });

  test("a folder whose parent all users may write to is reported", () => {
    chmodSync(home, 0o777);
    expect(checkDataFolder(data, true).problems).toEqual([expect.stringContaining("could replace")]);
  });

  test("a path that cannot be a folder throws with its name if required, and is ignored otherwise", () => {
    const path = join(makeFile(join(home, "file"), 0o600), "data");
    expect(() => checkDataFolder(path, true)).toThrow(`The data folder ${path} cannot be used`);
    expect(checkDataFolder(path, false)).toEqual({ repaired: [], problems: [] });
    expect(checkDataFolder(data, false)).toEqual({ repaired: [], problems: [] });
    expect(existsSync(data)).toBe(false);
  });

  test("a folder of 3,000 images is checked completely, and only the wrong mode is repaired", () => {
    mkdirSync(join(data, "files/profile-images"), { recursive: true });
    for (let index = 0; index < 3_000; index++)
      writeFileSync(join(data, `files/profile-images/${index}.png`), "", { mode: index === 7 ? 0o644 : 0o600 });
    chmodSync(join(data, "files/profile-images/7.png"), 0o644);
    chmodSync(data, 0o700);
    const began = performance.now();
    const { repaired } = checkDataFolder(data, true);
    console.log(`3,000 files were looked at in ${Math.round(performance.now() - began)} ms`);
    expect(repaired.filter((path) => path.endsWith(".png"))).toEqual(["files/profile-images/7.png"]);
  });
});

describe.skipIf(!isRoot)("data folder of another user (needs root and setpriv)", () => {
  /** Runs `migrate`, which opens the database and needs no key, as a user who is not root. */
  const migrate = async (env: Record<string, string> = {}) =>
    runProgram([...asOther, ...program, "migrate"], {
      cwd: "/",
      env: { ...cleanEnvironment(home), DATA_DIR: data, ...env },
    });
  beforeEach(() => {
    chmodSync(home, 0o755);
    mkdirSync(data);
  });

  test("a folder of a third user is refused with the command to run", async () => {
    chownSync(data, THIRD_UID, THIRD_UID);
    chmodSync(data, 0o777);
    const { exitCode, stderr } = await migrate();
    expect(stderr).toContain(`belongs to user ${THIRD_UID}`);
    expect(stderr).toContain(`Run: chown -R ${OTHER_UID} ${data}`);
    expect(exitCode).toBe(1);
    expect(readdirSync(data)).toEqual([]);
  });

  test("a folder of root that all may write to, as of a container volume, is used, and own files get mode 0600", async () => {
    chmodSync(data, 0o777);
    const { exitCode, stderr } = await migrate();
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(modeOf(data)).toBe("777");
    expect(readdirSync(data)).toContain("reprise.db");
    expect(listLoosePaths(data)).toEqual(["."]);
  });

  test("a folder of root with the group of the process is accepted as private", async () => {
    chownSync(data, 0, OTHER_UID);
    chmodSync(data, 0o2770);
    expect((await migrate()).exitCode).toBe(0);
  });

  test("a folder that is not writable is refused with the command to run", async () => {
    chmodSync(data, 0o755);
    const { exitCode, stderr } = await migrate();
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`cannot be used (EACCES). Make it writable for user ${OTHER_UID} (chown -R`);
  });

  test("a folder with a database of root is refused with the command to run", async () => {
    chownSync(data, OTHER_UID, OTHER_UID);
    makeFile(join(data, "reprise.db"), 0o600, "");
    const { exitCode, stderr } = await migrate();
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`reprise.db belongs to user 0, and this process is user ${OTHER_UID}. Run: chown`);
  });

  test("a key of a third user is refused, and a readable key of root is used", async () => {
    chownSync(data, OTHER_UID, OTHER_UID);
    const key = makeFile(join(data, "secret.key"), 0o600);
    chownSync(key, THIRD_UID, THIRD_UID);
    const { exitCode, stderr } = await migrate();
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`secret.key belongs to user ${THIRD_UID}`)]);
    chownSync(key, 0, 0);
    expect((await migrate()).exitCode).toBe(0);
  });

  test("a folder reached by a link of a third user is refused", async () => {
    chownSync(data, OTHER_UID, OTHER_UID);
    const link = join(home, "link");
    symlinkSync(data, link);
    await Bun.$`chown -h ${THIRD_UID} ${link}`;
    const { stderr } = await migrate({ DATA_DIR: link });
    expect(stderr).toContain(`is a link that belongs to user ${THIRD_UID}`);
  });
});

test("stored files: created with mode 0600 and folders with 0700 for any umask", async () => {
  const before = process.umask(0);
  try {
    await createDiskStorage(join(data, "files")).put("profile-images/a.png", new Uint8Array([1]), "image/png");
    const request = new Request("http://x", {
      method: "POST",
      headers: { "content-type": "text/csv" },
      body: "email\n",
    });
    await receiveFile(request, join(data, "imports/job.csv"));
    openJournal(join(data, "journal")).close();
    expect(listLoosePaths(data)).toEqual([]);
  } finally {
    process.umask(before);
  }
});

test("simulator journal: an existing journal gets mode 0600, and a device file keeps its mode", () => {
  const journal = makeFile(join(home, "journal"), 0o644);
  openJournal(journal).close();
  expect(modeOf(journal)).toBe("600");
  openJournal("/dev/null").close();
  expect(statSync("/dev/null").mode & 0o666).toBe(0o666);
});

describe.each(["000", "022"])("reprise serve with umask %s", (umask) => {
  /** Runs the program until `work` is done and returns its output. */
  async function serve(work: (url: string) => Promise<void>): Promise<string> {
    const port = findFreePort();
    const printed = join(home, "printed");
    const log = openSync(printed, "a");
    const child = Bun.spawn(["sh", "-c", `umask ${umask}; exec "$@"`, "sh", ...program, "serve"], {
      cwd: home,
      env: {
        ...cleanEnvironment(home),
        ...{ DATA_DIR: data, PORT: String(port), HOST: "127.0.0.1", CHANNELS: "simulator" },
        SIMULATOR_JOURNAL: join(home, "journal"),
      },
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    try {
      const answers = () => fetch(`http://127.0.0.1:${port}/api/health`).catch(() => null);
      await waitUntil(
        "the service answers",
        async () => child.exitCode !== null || (await answers())?.ok === true,
        30_000,
      );
      await work(`http://127.0.0.1:${port}`);
    } finally {
      child.kill();
      await child.exited;
    }
    return Bun.file(printed).text();
  }

  test("creates no file that other users can read", async () => {
    await serve(async () => {
      expect(readdirSync(data).sort()).toEqual(expect.arrayContaining(["lock.db", "reprise.db", "reprise.db-wal"]));
      expect(listLoosePaths(data)).toEqual([]);
      expect(modeOf(join(home, "journal"))).toBe("600");
    });
    expect(listLoosePaths(data)).toEqual([]);
  }, 40_000);

  test("repairs a folder that other users can read, and logs one line", async () => {
    await serve(async () => {});
    for (const name of readdirSync(data)) if (name !== "secret.key") chmodSync(join(data, name), 0o644);
    makeFile(join(data, "imports/old.csv"), 0o644);
    chmodSync(join(data, "imports"), 0o755);
    chmodSync(data, 0o755);
    const printed = await serve(async () => expect(listLoosePaths(data)).toEqual([]));
    const lines = printed.split("\n").filter((line) => line.includes("data_folder.repaired"));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "warn", folder: data });
  }, 60_000);
});

test("reprise demo: the demo folder is accessible to its user only", async () => {
  const run = ["sh", "-c", 'umask 000; exec "$@"', "sh", ...program, "demo", "--exit"];
  const { exitCode } = await runProgram(run, { cwd: home, env: { ...cleanEnvironment(home), DATA_DIR: data } });
  expect(exitCode).toBe(0);
  expect(readdirSync(join(data, "demo")).length).toBeGreaterThan(2);
  expect(listLoosePaths(data)).toEqual([]);
}, 60_000);
