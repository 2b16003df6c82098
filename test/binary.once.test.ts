import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { talkative } from "./support/pictures.ts";
import { PROJECT_ROOT } from "./support/project-root.ts";
import { cleanEnvironment, runProgram } from "./support/replica.ts";
import { findS3, startS3 } from "./support/s3.ts";
import { type Service, startService } from "./support/service.ts";
import { startSmtpServer } from "./support/smtpServer.ts";

// The one file that people download, built once and used where there is nothing else.

setDefaultTimeout(60_000);

let workshop = "";
let folder = "";
let binary = "";

/** Where the system has it, what runs a command on a machine of its own that has no network at all. */
const unplugged = ["unshare", "--map-root-user", "--net"];
const canUnplug = Bun.which("unshare") !== null && Bun.spawnSync([...unplugged, "true"]).exitCode === 0;

const reprise = (args: string[], env: Record<string, string> = {}, input = "") =>
  runProgram([...(canUnplug ? unplugged : []), binary, ...args], {
    cwd: folder,
    env: { ...cleanEnvironment(folder), ...env },
    input,
  });

const lastLine = (text: string) => text.trimEnd().split("\n").at(-1) ?? "";

beforeAll(async () => {
  workshop = mkdtempSync(join(tmpdir(), "reprise-binary-"));
  folder = mkdtempSync(join(tmpdir(), "reprise-empty-"));
  binary = join(workshop, "reprise");
  const built = await runProgram([process.execPath, join(PROJECT_ROOT, "scripts/build.ts"), "--outfile", binary], {
    cwd: PROJECT_ROOT,
    env: cleanEnvironment(workshop),
  });
  expect(built.stderr).toBe("");
  expect(built.exitCode).toBe(0);
}, 120_000);

afterAll(() => {
  for (const path of [workshop, folder]) rmSync(path, { recursive: true, force: true });
});

describe("a call", () => {
  test("version says which one it is, and needs no folder", async () => {
    const { exitCode, stdout } = await reprise(["version"]);
    const { version } = await Bun.file(join(PROJECT_ROOT, "package.json")).json();
    expect(stdout).toStartWith(version);
    expect(exitCode).toBe(0);
    expect(JSON.parse((await reprise(["version", "--json"])).stdout)).toMatchObject({ bun: Bun.version });
    expect(readdirSync(folder)).toEqual([]);
  });

  test("takes settings from the .env in the folder it is started in", async () => {
    const settings = join(folder, ".env");
    writeFileSync(settings, "PORT=from-the-file\n");
    const { exitCode, stderr } = await reprise(["health"]);
    rmSync(settings);
    expect(stderr).toContain('PORT: expected a whole number from 0 to 65535, got "from-the-file"');
    expect(exitCode).not.toBe(0);
  });

  test("help lists the commands, and each explains itself", async () => {
    const { exitCode, stdout } = await reprise(["help"]);
    expect(exitCode).toBe(0);
    const commands = [...stdout.matchAll(/^ {2}([a-z]+(?: [a-z]+)?) {2,}\S/gm)].map(([, name = ""]) => name);
    expect(commands).toContain("serve");
    for (const name of commands) {
      const help = await reprise([...name.split(" "), "--help"]);
      expect(help.exitCode).toBe(0);
      expect(help.stdout).toStartWith(`Usage: reprise ${name}`);
    }
    // Nothing asked is a wrong call, answered with the same overview.
    expect(await reprise([])).toMatchObject({ exitCode: 2, stdout });
  });

  test.each([
    [["nonsense"], 'no command "nonsense"'],
    [["serve", "--port", "1"], "--port"],
    [["simulate", "--days", "many"], "--days: expected a whole number"],
    [["admin", "create"], "--email: expected an address"],
    [["admin", "create", "--email", "ada@example.com"], "--password-stdin: expected"],
    [["admin", "create", "--email", "ada@example.com", "--password", "in the process list"], "--password"],
  ])("%j is refused with 2 and a sentence", async (args, sentence) => {
    const { exitCode, stdout, stderr } = await reprise(args);
    expect(exitCode).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(sentence);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a bad configuration is refused with 2, all names at once, and no secret repeated", async () => {
    const { exitCode, stderr } = await reprise(["serve"], {
      PORT: "http",
      REPRISE_SECRET: "too-short",
      DATABASE_URL: "mysql://root:hunter2@db/reprise",
      PUBLIC_URL: "reprise.example",
      SIGN_UP: "maybe",
      HOSTILE_BELOW: "7",
    });
    expect(exitCode).toBe(2);
    for (const name of ["PORT", "REPRISE_SECRET", "DATABASE_URL", "PUBLIC_URL", "SIGN_UP", "HOSTILE_BELOW"])
      expect(stderr).toContain(`  ${name}: expected`);
    expect(stderr).not.toContain("hunter2");
    expect(stderr).not.toContain("too-short");
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each([
    ["not an address", "correct horse battery"],
    ["ada@example.com", "short"],
  ])("admin create for %j with the password %j is refused, and makes nobody", async (email, password) => {
    const made = await reprise(["admin", "create", "--email", email, "--password-stdin"], {}, `${password}\n`);
    expect(made.exitCode).not.toBe(0);
    expect(made.stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(made.stderr).not.toContain("is an admin now");
  });

  test("ledger verify proves the books of an empty database", async () => {
    const { exitCode, stdout } = await reprise(["ledger", "verify", "--json"]);
    expect(JSON.parse(lastLine(stdout))).toMatchObject({ ok: true, entries: 0, drifts: [] });
    expect(exitCode).toBe(0);
  });
});

describe("the simulator", () => {
  test("demo keeps every promise and says so in its last line", async () => {
    const { exitCode, stdout } = await reprise(["demo", "--exit", "--json"]);
    const census = JSON.parse(lastLine(stdout));
    expect(census).toMatchObject({ duplicates: 0, sentAfterBan: 0, sentAfterReply: 0, ledger: "ok" });
    expect(census.sent).toBeGreaterThan(500);
    expect(exitCode).toBe(0);
  });

  test("simulate lives through the same world twice", async () => {
    const world = ["simulate", "--seed", "7", "--days", "10", "--contacts", "20", "--faults", "--json"];
    const [once, again] = [await reprise(world), await reprise(world)];
    expect(once.exitCode).toBe(0);
    expect(JSON.parse(lastLine(once.stdout)).sent).toBeGreaterThan(0);
    expect(lastLine(again.stdout)).toBe(lastLine(once.stdout));
  });
});

describe("a service", () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ command: [binary] });
  });
  afterAll(() => service.remove());

  test("answers, and brings its page and the description of its API with it", async () => {
    expect((await service.api("GET", "/api/health")).body).toMatchObject({ status: "OK" });
    expect((await service.api("GET", "/api/health/database")).body).toMatchObject({ status: "OK" });
    const page = await service.api("GET", "/swagger");
    expect(page.status).toBe(200);
    const files = [...page.text.matchAll(/(?:src|href)="(\/swagger\/[^"]+)"/g)].map(([, path = ""]) => path);
    expect(files.length).toBeGreaterThan(3);
    for (const path of files) expect((await service.api("GET", path)).status).toBe(200);
    const document = await service.api<{ openapi: string; paths: object }>("GET", "/swagger/json");
    expect(document.body.openapi).toStartWith("3.1");
    expect(Object.keys(document.body.paths)).toContain("/api/brands/{id}");
  });

  test("its claim link makes one admin", async () => {
    const [, token = ""] = /\/api\/auth\/claim#token=([\w-]+)/.exec(service.output()) ?? [];
    const claim = (email: string) =>
      service.api("POST", "/api/auth/claim", {
        body: { token, email, name: "Ada", password: "correct horse battery" },
      });
    expect((await claim("ada@example.com")).body).toMatchObject({ user: { role: "admin" } });
    expect(await claim("eve@example.com")).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
  });

  test("health asks it from outside", async () => {
    expect((await service.run(["health"])).exitCode).toBe(0);
  });

  test("a second one on the same data folder is refused with a sentence", async () => {
    const { exitCode, stdout, stderr } = await service.run(["serve"]);
    expect(exitCode).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain("Another Reprise process uses the data folder");
    expect((await service.api("GET", "/api/health")).status).toBe(200);
  });

  test("ends with 0 when asked to, soon, and starts again on the same data without a claim link", async () => {
    const before = service.output().length;
    const asked = performance.now();
    expect(await service.stop()).toBe(0);
    expect(performance.now() - asked).toBeLessThan(5_000);
    await service.start();
    expect(service.output().slice(before)).not.toContain("claim");
    expect((await service.run(["health"])).exitCode).toBe(0);
  });
});

test("mails an invitation through the system mailbox", async () => {
  const server = await startSmtpServer();
  const env = {
    SYSTEM_SMTP_URL: `smtp://127.0.0.1:${server.port}`,
    SYSTEM_MAIL_FROM: "Reprise <no-reply@service.example>",
  };
  const service = await startService({ command: [binary], env });
  const order = { token: await service.admin(), body: { email: "ada@example.com" } };
  const { body } = await service.api<{ mailed: boolean; mailError: string | null; token: string }>(
    "POST",
    "/api/auth/admin/invitations",
    order,
  );
  expect([body.mailed, body.mailError]).toEqual([true, null]);
  expect(server.received.map(({ to }) => to)).toEqual(["ada@example.com"]);
  const accepted = { token: body.token, name: "Ada", password: "correct horse battery" };
  expect((await service.api("POST", "/api/auth/accept-invitation", { body: accepted })).status).toBe(200);
  await service.remove();
  await server.stop();
});

test("draws an image anew, and keeps it in a bucket where there is one", async () => {
  const bucket = findS3() ? await startS3() : null;
  const service = await startService({ command: [binary], env: bucket?.env ?? {} });
  const form = new FormData();
  form.append("file", new Blob([new Uint8Array(await talkative("jpeg", 6))]));
  const headers = { authorization: `Bearer ${await service.admin()}` };
  const sent = await fetch(`${service.url}/api/auth/upload-profile-image`, { method: "POST", body: form, headers });
  const { imageUrl } = (await sent.json()) as { imageUrl: string };
  const image = await (await fetch(imageUrl)).bytes();
  expect(await new Bun.Image(image).metadata()).toEqual({ width: 48, height: 64, format: "jpeg" });
  await service.remove();
  await bucket?.stop();
});

test("a renamed copy does the same, with nothing set in its environment", async () => {
  const elsewhere = mkdtempSync(join(workshop, "elsewhere-"));
  const copy = join(elsewhere, "renamed");
  copyFileSync(binary, copy);
  const { exitCode } = await runProgram([copy, "migrate"], { cwd: elsewhere, env: {} });
  expect(exitCode).toBe(0);
  expect(readdirSync(elsewhere).sort()).toEqual(["data", "renamed"]);
});

// Its only interface is the loopback, and nobody else is there.
const serveUnplugged = `ip link set lo up
"$1" serve & server=$!
until "$1" health 2>/dev/null; do kill -0 $server || exit 1; sleep 0.1; done
kill $server
wait $server`;

test.skipIf(!canUnplug || !Bun.which("ip"))(
  `serves where there is no network${canUnplug ? "" : " (skipped: this system has no network namespaces)"}`,
  async () => {
    const elsewhere = mkdtempSync(join(workshop, "alone-"));
    const { exitCode, stdout } = await runProgram([...unplugged, "sh", "-c", serveUnplugged, "sh", binary], {
      cwd: elsewhere,
      env: { ...cleanEnvironment(elsewhere), HOST: "127.0.0.1" },
    });
    expect(stdout).toContain('"status":"OK"');
    expect(exitCode).toBe(0);
  },
);
