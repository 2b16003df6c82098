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
import { checkDataFolder } from "../src/dataFolder.ts";
import { diskFiles } from "../src/files/disk.ts";
import { receiveFile } from "../src/imports/upload.ts";
import { openJournal } from "../src/simulator/journal.ts";
import { SOURCE_PROGRAM } from "./support/project-root.ts";
import { cleanEnvironment, runProgram } from "./support/replica.ts";
import { freePort, until } from "./support/throwaway.ts";

const program = process.env.REPRISE_BINARY ? [resolve(process.env.REPRISE_BINARY)] : SOURCE_PROGRAM;

/** Another user than this one, where this one may become others: root in a container. */
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

/** All paths below a folder whose modes let anybody else in, `.` included. */
function looseIn(folder: string): string[] {
  const all = [".", ...(readdirSync(folder, { recursive: true }) as string[])];
  return all.filter((path) => {
    const stats = lstatSync(join(folder, path));
    return !stats.isSymbolicLink() && (stats.mode & 0o077) !== 0;
  });
}

function make(path: string, mode: number, content = "x"): string {
  mkdirSync(resolve(path, ".."), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

/** A data folder as it was left by a version that set no modes. */
function looseFolder(): void {
  for (const name of ["reprise.db", "reprise.db-wal", "reprise.db-shm", "lock.db", "lock.db-journal"])
    make(join(data, name), 0o644);
  make(join(data, "files/profile-images/a.png"), 0o664);
  make(join(data, "imports/b.csv"), 0o666);
  make(join(data, "demo/reprise.db"), 0o644);
  for (const name of ["files/profile-images", "files", "imports", "demo", "."]) chmodSync(join(data, name), 0o755);
}

describe("a data folder", () => {
  test("is made with 0700, parents too", () => {
    const deep = join(home, "a/b/data");
    expect(checkDataFolder(deep, true)).toEqual({ repaired: [], problems: [] });
    expect([modeOf(join(home, "a")), modeOf(deep)]).toEqual(["700", "700"]);
    expect(readdirSync(deep)).toEqual([]);
  });

  test("that is loose is repaired, whatever is ours in it, and once", () => {
    looseFolder();
    const { repaired, problems } = checkDataFolder(data, true);
    expect(problems).toEqual([]);
    expect(repaired).toHaveLength(13);
    expect(repaired).toContain(".");
    expect(repaired).toContain("files/profile-images/a.png");
    expect(looseIn(data)).toEqual([]);
    expect(modeOf(join(data, "reprise.db"))).toBe("600");
    expect(checkDataFolder(data, true)).toEqual({ repaired: [], problems: [] });
  });

  test("keeps what is not ours in it as it was, and the key for its own check", () => {
    looseFolder();
    make(join(data, "notes.sh"), 0o755);
    make(join(data, "secret.key"), 0o644);
    checkDataFolder(data, true);
    expect([modeOf(join(data, "notes.sh")), modeOf(join(data, "secret.key"))]).toEqual(["755", "644"]);
  });

  test("that is the home of other things too keeps its mode; our files in it are repaired, and it is reported", () => {
    looseFolder();
    mkdirSync(join(data, "public_html"));
    const { problems } = checkDataFolder(data, true);
    expect(problems).toEqual([expect.stringContaining("holds other folders too, such as public_html")]);
    expect(modeOf(data)).toBe("755");
    expect(looseIn(data)).toEqual([".", "public_html"]);
  });

  test("that everybody shares is never closed to them", () => {
    mkdirSync(data);
    chmodSync(data, 0o1777);
    expect(checkDataFolder(data, true).problems).toEqual([expect.stringContaining("all users share")]);
    expect(modeOf(data)).toBe("1777");
  });

  test("behind a link is repaired where it is, and so are links in it to elsewhere; links further down are not followed", () => {
    looseFolder();
    const elsewhere = join(home, "elsewhere");
    make(join(elsewhere, "c.png"), 0o644);
    chmodSync(elsewhere, 0o755);
    rmSync(join(data, "files"), { recursive: true });
    symlinkSync(elsewhere, join(data, "files"));
    const alien = make(join(home, "alien"), 0o644);
    symlinkSync(alien, join(data, "imports/alien.csv"));
    symlinkSync("nowhere", join(data, "reprise.db-journal"));
    symlinkSync(data, join(home, "link"));
    expect(checkDataFolder(join(home, "link"), true).problems).toEqual([]);
    expect([...looseIn(data), ...looseIn(elsewhere)]).toEqual([]);
    expect(modeOf(alien)).toBe("644");
  });

  test("in a folder that everybody may write to is reported", () => {
    chmodSync(home, 0o777);
    expect(checkDataFolder(data, true).problems).toEqual([expect.stringContaining("could replace")]);
  });

  test("that cannot be a folder is refused by name, and asked for only where it is needed", () => {
    const path = join(make(join(home, "file"), 0o600), "data");
    expect(() => checkDataFolder(path, true)).toThrow(`The data folder ${path} cannot be used`);
    expect(checkDataFolder(path, false)).toEqual({ repaired: [], problems: [] });
    expect(checkDataFolder(data, false)).toEqual({ repaired: [], problems: [] });
    expect(existsSync(data)).toBe(false);
  });

  test("of 3,000 images is looked through with one look at each", () => {
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

describe.skipIf(!isRoot)("a data folder of another user (needs root and setpriv)", () => {
  /** `migrate`, which opens the database and needs no key, as a user who is not root. */
  const migrate = async (env: Record<string, string> = {}) =>
    runProgram([...asOther, ...program, "migrate"], {
      cwd: "/",
      env: { ...cleanEnvironment(home), DATA_DIR: data, ...env },
    });
  beforeEach(() => {
    chmodSync(home, 0o755);
    mkdirSync(data);
  });

  test("is refused, and the answer says what to run", async () => {
    chownSync(data, THIRD_UID, THIRD_UID);
    chmodSync(data, 0o777);
    const { exitCode, stderr } = await migrate();
    expect(stderr).toContain(`belongs to user ${THIRD_UID}`);
    expect(stderr).toContain(`Run: chown -R ${OTHER_UID} ${data}`);
    expect(exitCode).toBe(1);
    expect(readdirSync(data)).toEqual([]);
  });

  test("who is root, as of a container's volume, is used, and what is ours in it is 0600", async () => {
    chmodSync(data, 0o777);
    const { exitCode, stderr } = await migrate();
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(modeOf(data)).toBe("777");
    expect(readdirSync(data)).toContain("reprise.db");
    expect(looseIn(data)).toEqual(["."]);
  });

  test("who is root, given to a group of this process, is taken for private", async () => {
    chownSync(data, 0, OTHER_UID);
    chmodSync(data, 0o2770);
    expect((await migrate()).exitCode).toBe(0);
  });

  test("that cannot be written to is refused, and the answer says what to run", async () => {
    chmodSync(data, 0o755);
    const { exitCode, stderr } = await migrate();
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`cannot be used (EACCES). Make it writable for user ${OTHER_UID} (chown -R`);
  });

  test("with a database that root has left is refused, and the answer says what to run", async () => {
    chownSync(data, OTHER_UID, OTHER_UID);
    make(join(data, "reprise.db"), 0o600, "");
    const { exitCode, stderr } = await migrate();
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`reprise.db belongs to user 0, and this process is user ${OTHER_UID}. Run: chown`);
  });

  test("with a key of another user is refused, and with one of root used as far as it can be read", async () => {
    chownSync(data, OTHER_UID, OTHER_UID);
    const key = make(join(data, "secret.key"), 0o600);
    chownSync(key, THIRD_UID, THIRD_UID);
    const { exitCode, stderr } = await migrate();
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`secret.key belongs to user ${THIRD_UID}`)]);
    chownSync(key, 0, 0);
    expect((await migrate()).exitCode).toBe(0);
  });

  test("reached by a link of another user is refused", async () => {
    chownSync(data, OTHER_UID, OTHER_UID);
    const link = join(home, "link");
    symlinkSync(data, link);
    await Bun.$`chown -h ${THIRD_UID} ${link}`;
    const { stderr } = await migrate({ DATA_DIR: link });
    expect(stderr).toContain(`is a link that belongs to user ${THIRD_UID}`);
  });
});

test("files are made with 0600 and folders with 0700, whatever the umask of who calls", async () => {
  const before = process.umask(0);
  try {
    await diskFiles(join(data, "files")).put("profile-images/a.png", new Uint8Array([1]), "image/png");
    const request = new Request("http://x", {
      method: "POST",
      headers: { "content-type": "text/csv" },
      body: "email\n",
    });
    await receiveFile(request, join(data, "imports/job.csv"));
    openJournal(join(data, "journal")).close();
    expect(looseIn(data)).toEqual([]);
  } finally {
    process.umask(before);
  }
});

test("a journal of before loses the rights of others; what is no file of ours is left alone", () => {
  const journal = make(join(home, "journal"), 0o644);
  openJournal(journal).close();
  expect(modeOf(journal)).toBe("600");
  openJournal("/dev/null").close();
  expect(statSync("/dev/null").mode & 0o666).toBe(0o666);
});

describe.each(["000", "022"])("the program, started with umask %s", (umask) => {
  /** Serves until `work` is done. Returns what it printed. */
  async function serve(work: (url: string) => Promise<void>): Promise<string> {
    const port = freePort();
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
      await until("it answers", async () => child.exitCode !== null || (await answers())?.ok === true, 30_000);
      await work(`http://127.0.0.1:${port}`);
    } finally {
      child.kill();
      await child.exited;
    }
    return Bun.file(printed).text();
  }

  test("writes nothing that other users can read", async () => {
    await serve(async () => {
      expect(readdirSync(data).sort()).toEqual(expect.arrayContaining(["lock.db", "reprise.db", "reprise.db-wal"]));
      expect(looseIn(data)).toEqual([]);
      expect(modeOf(join(home, "journal"))).toBe("600");
    });
    expect(looseIn(data)).toEqual([]);
  }, 40_000);

  test("repairs a folder that is loose, and says so in one line", async () => {
    await serve(async () => {});
    for (const name of readdirSync(data)) if (name !== "secret.key") chmodSync(join(data, name), 0o644);
    make(join(data, "imports/old.csv"), 0o644);
    chmodSync(join(data, "imports"), 0o755);
    chmodSync(data, 0o755);
    const printed = await serve(async () => expect(looseIn(data)).toEqual([]));
    const lines = printed.split("\n").filter((line) => line.includes("data_folder.repaired"));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "warn", folder: data });
  }, 60_000);
});

test("the demo's folder is its user's only", async () => {
  const run = ["sh", "-c", 'umask 000; exec "$@"', "sh", ...program, "demo", "--exit"];
  const { exitCode } = await runProgram(run, { cwd: home, env: { ...cleanEnvironment(home), DATA_DIR: data } });
  expect(exitCode).toBe(0);
  expect(readdirSync(join(data, "demo")).length).toBeGreaterThan(2);
  expect(looseIn(data)).toEqual([]);
}, 60_000);
