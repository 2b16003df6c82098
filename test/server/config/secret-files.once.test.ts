import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, parseConfig } from "../../../src/server/config/config.ts";
import { SOURCE_PROGRAM } from "../../support/project-root.ts";
import { cleanEnvironment, runProgram } from "../../support/replica.ts";

const SECRET = "mtHR4uWq0zUxPpXQ3fAo5bYc8KdLsEjV";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "reprise-secrets-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function problemsOf(env: Record<string, string>): string[] {
  try {
    parseConfig(env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.message).not.toContain(SECRET);
    return error.problems;
  }
}

describe("secret in a file", () => {
  test("is read without the line end, for each variable that holds a secret", () => {
    const config = parseConfig({
      REPRISE_SECRET_FILE: file("key", `${SECRET}\n`),
      DATABASE_URL_FILE: file("database", "postgres://me:pw@db/x\r\n"),
      REDIS_URL_FILE: file("redis", "redis://:pw@redis"),
      S3_BUCKET: "images",
      S3_ACCESS_KEY_ID_FILE: file("id", "id"),
      S3_SECRET_ACCESS_KEY_FILE: file("secret", "secret"),
      CHARGEBEE_WEBHOOK_USER_FILE: file("user", "chargebee"),
      CHARGEBEE_WEBHOOK_PASSWORD_FILE: file("password", "of the webhook"),
      CHARGEBEE_SITE: "acme",
      CHARGEBEE_API_KEY_FILE: file("api", "live_key"),
    });
    expect(config).toMatchObject({
      secret: SECRET,
      databaseUrl: "postgres://me:pw@db/x",
      redisUrl: "redis://:pw@redis",
      s3: { keys: { id: "id", secret: "secret" } },
      chargebee: { webhook: { user: "chargebee", password: "of the webhook" }, site: { apiKey: "live_key" } },
    });
  });

  test("is validated like a value of a variable, and all problems are reported by name", () => {
    const problems = problemsOf({
      PORT: "http",
      REPRISE_SECRET_FILE: file("short", "short"),
      DATABASE_URL_FILE: join(folder, "nowhere"),
      REDIS_URL_FILE: folder,
      CHARGEBEE_API_KEY_FILE: file("empty", " \n"),
      S3_SECRET_ACCESS_KEY_FILE: file("large", "x".repeat(70_000)),
    });
    const named = ["DATABASE_URL_FILE", "REDIS_URL_FILE", "S3_SECRET_ACCESS_KEY_FILE", "CHARGEBEE_API_KEY_FILE"];
    for (const name of [...named, "PORT", "REPRISE_SECRET"])
      expect(problems.some((problem) => problem.startsWith(`${name}: expected`))).toBe(true);
  });

  test("is rejected together with the variable itself; an empty file name counts as unset", () => {
    const both = { REPRISE_SECRET: SECRET, REPRISE_SECRET_FILE: file("both", SECRET) };
    expect(problemsOf(both)).toEqual(["REPRISE_SECRET_FILE: expected without REPRISE_SECRET; set one of them"]);
    expect(parseConfig({ REPRISE_SECRET: SECRET, REPRISE_SECRET_FILE: "" }).secret).toBe(SECRET);
  });
});

test("DATABASE_URL_FILE: selects Postgres, and an error does not show the password", async () => {
  const env = {
    ...cleanEnvironment(folder),
    DATA_DIR: join(folder, "data"),
    DATABASE_URL_FILE: file("postgres", "postgres://me:hunter2@127.0.0.1:1/x"),
  };
  const verify = [...SOURCE_PROGRAM, "ledger", "verify"];
  const { exitCode, stderr } = await runProgram(verify, { cwd: folder, env });
  expect(exitCode).toBe(1);
  expect(stderr).toContain("127.0.0.1:1");
  expect(stderr).not.toContain("hunter2");
});
