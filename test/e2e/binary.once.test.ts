import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { imageWithMetadata } from "../support/pictures.ts";
import { PROJECT_ROOT } from "../support/project-root.ts";
import { cleanEnvironment, runProgram } from "../support/replica.ts";
import { findS3, startS3 } from "../support/servers/s3.ts";
import { startSmtpServer } from "../support/servers/smtp-server.ts";
import { type Service, startService } from "../support/service.ts";

// Build the single executable once and run it in folders that contain nothing else.

setDefaultTimeout(60_000);

let buildFolder = "";
let folder = "";
let binary = "";

/** Runs a command without any network, where the system has network namespaces. */
const withoutNetwork = ["unshare", "--map-root-user", "--net"];
const canRemoveNetwork = Bun.which("unshare") !== null && Bun.spawnSync([...withoutNetwork, "true"]).exitCode === 0;

const reprise = (args: string[], env: Record<string, string> = {}, input = "") =>
  runProgram([...(canRemoveNetwork ? withoutNetwork : []), binary, ...args], {
    cwd: folder,
    env: { ...cleanEnvironment(folder), ...env },
    input,
  });

const lastLine = (text: string) => text.trimEnd().split("\n").at(-1) ?? "";

beforeAll(async () => {
  buildFolder = mkdtempSync(join(tmpdir(), "reprise-binary-"));
  folder = mkdtempSync(join(tmpdir(), "reprise-empty-"));
  binary = join(buildFolder, "reprise");
  const built = await runProgram([process.execPath, join(PROJECT_ROOT, "scripts/build.ts"), "--outfile", binary], {
    cwd: PROJECT_ROOT,
    env: cleanEnvironment(buildFolder),
  });
  expect(built.stderr).toBe("");
  expect(built.exitCode).toBe(0);
}, 120_000);

afterAll(() => {
  for (const path of [buildFolder, folder]) rmSync(path, { recursive: true, force: true });
});

describe("reprise command line", () => {
  test("version prints the version and creates no data folder", async () => {
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

  test("help lists the commands, and --help of each command prints its usage", async () => {
    const { exitCode, stdout } = await reprise(["help"]);
    expect(exitCode).toBe(0);
    const commands = [...stdout.matchAll(/^ {2}([a-z]+(?: [a-z]+)?) {2,}\S/gm)].map(([, name = ""]) => name);
    expect(commands).toContain("serve");
    for (const name of commands) {
      const help = await reprise([...name.split(" "), "--help"]);
      expect(help.exitCode).toBe(0);
      expect(help.stdout).toStartWith(`Usage: reprise ${name}`);
    }
    // Calling without a command is a usage error and prints the same overview.
    expect(await reprise([])).toMatchObject({ exitCode: 2, stdout });
  });

  test.each([
    [["nonsense"], 'no command "nonsense"'],
    [["serve", "--port", "1"], "--port"],
    [["simulate", "--days", "many"], "--days: expected a whole number"],
    [["admin", "create"], "--email: expected an address"],
    [["admin", "create", "--email", "ada@example.com"], "--password-stdin: expected"],
    [["admin", "create", "--email", "ada@example.com", "--password", "in the process list"], "--password"],
  ])("%j exits with 2 and a one-line message", async (args, sentence) => {
    const { exitCode, stdout, stderr } = await reprise(args);
    expect(exitCode).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(sentence);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("serve with an invalid configuration exits with 2, names every invalid variable and prints no secret", async () => {
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
  ])("admin create for %j with the password %j fails and creates no admin", async (email, password) => {
    const made = await reprise(["admin", "create", "--email", email, "--password-stdin"], {}, `${password}\n`);
    expect(made.exitCode).not.toBe(0);
    expect(made.stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(made.stderr).not.toContain("is an admin now");
  });

  test("ledger verify of an empty database exits with 0 and reports no mismatch", async () => {
    const { exitCode, stdout } = await reprise(["ledger", "verify", "--json"]);
    expect(JSON.parse(lastLine(stdout))).toMatchObject({ ok: true, entries: 0, drifts: [] });
    expect(exitCode).toBe(0);
  });
});

describe("reprise simulator", () => {
  test("demo exits with 0 and prints the result of all invariant checks on its last line", async () => {
    const { exitCode, stdout } = await reprise(["demo", "--exit", "--json"]);
    const summary = JSON.parse(lastLine(stdout));
    expect(summary).toMatchObject({ duplicates: 0, sentAfterBan: 0, sentAfterReply: 0, ledger: "ok" });
    expect(summary.sent).toBeGreaterThan(500);
    expect(exitCode).toBe(0);
  });

  test("simulate prints the same result for two runs with one seed", async () => {
    const world = ["simulate", "--seed", "7", "--days", "10", "--contacts", "20", "--faults", "--json"];
    const [once, again] = [await reprise(world), await reprise(world)];
    expect(once.exitCode).toBe(0);
    expect(JSON.parse(lastLine(once.stdout)).sent).toBeGreaterThan(0);
    expect(lastLine(again.stdout)).toBe(lastLine(once.stdout));
  });
});

describe("reprise serve", () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ command: [binary] });
  });
  afterAll(() => service.remove());

  test("serves the health routes, the Swagger UI with its files and the OpenAPI document", async () => {
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

  test("the claim link creates one admin, and a second use answers 403", async () => {
    const [, token = ""] = /\/api\/auth\/claim#token=([\w-]+)/.exec(service.output()) ?? [];
    const claim = (email: string) =>
      service.api("POST", "/api/auth/claim", {
        body: { token, email, name: "Ada", password: "correct horse battery" },
      });
    expect((await claim("ada@example.com")).body).toMatchObject({ user: { role: "admin" } });
    expect(await claim("eve@example.com")).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
  });

  test("reprise health exits with 0 while the service runs", async () => {
    expect((await service.run(["health"])).exitCode).toBe(0);
  });

  test("a second process on the same data folder exits with 1 and a message, and the first continues", async () => {
    const { exitCode, stdout, stderr } = await service.run(["serve"]);
    expect(exitCode).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain("Another Reprise process uses the data folder");
    expect((await service.api("GET", "/api/health")).status).toBe(200);
  });

  test("exits with 0 within 5 seconds of a stop, and restarts on the same data without a claim link", async () => {
    const before = service.output().length;
    const asked = performance.now();
    expect(await service.stop()).toBe(0);
    expect(performance.now() - asked).toBeLessThan(5_000);
    await service.start();
    expect(service.output().slice(before)).not.toContain("claim");
    expect((await service.run(["health"])).exitCode).toBe(0);
  });
});

test("reprise serve with SYSTEM_SMTP_URL: an invitation is mailed and can be accepted", async () => {
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

test("reprise serve: an uploaded profile image is encoded again without metadata, and stored in a bucket if one is available", async () => {
  const bucket = findS3() ? await startS3() : null;
  const service = await startService({ command: [binary], env: bucket?.env ?? {} });
  const form = new FormData();
  form.append("file", new Blob([new Uint8Array(await imageWithMetadata("jpeg", 6))]));
  const headers = { authorization: `Bearer ${await service.admin()}` };
  const sent = await fetch(`${service.url}/api/auth/upload-profile-image`, { method: "POST", body: form, headers });
  const { imageUrl } = (await sent.json()) as { imageUrl: string };
  const image = await (await fetch(imageUrl)).bytes();
  expect(await new Bun.Image(image).metadata()).toEqual({ width: 48, height: 64, format: "jpeg" });
  await service.remove();
  await bucket?.stop();
});

test("reprise: a renamed copy runs with an empty environment and uses only its own folder", async () => {
  const elsewhere = mkdtempSync(join(buildFolder, "elsewhere-"));
  const copy = join(elsewhere, "renamed");
  copyFileSync(binary, copy);
  const { exitCode } = await runProgram([copy, "migrate"], { cwd: elsewhere, env: {} });
  expect(exitCode).toBe(0);
  expect(readdirSync(elsewhere).sort()).toEqual(["data", "renamed"]);
});

// The only network interface is loopback, and no other process listens there.
const serveWithoutNetwork = `ip link set lo up
"$1" serve & server=$!
until "$1" health 2>/dev/null; do kill -0 $server || exit 1; sleep 0.1; done
kill $server
wait $server`;

test.skipIf(!canRemoveNetwork || !Bun.which("ip"))(
  `reprise serve: runs on a machine without a network${canRemoveNetwork ? "" : " (skipped: this system has no network namespaces)"}`,
  async () => {
    const elsewhere = mkdtempSync(join(buildFolder, "alone-"));
    const { exitCode, stdout } = await runProgram([...withoutNetwork, "sh", "-c", serveWithoutNetwork, "sh", binary], {
      cwd: elsewhere,
      env: { ...cleanEnvironment(elsewhere), HOST: "127.0.0.1" },
    });
    expect(stdout).toContain('"status":"OK"');
    expect(exitCode).toBe(0);
  },
);
