import { describe, expect, test } from "bun:test";
import { ConfigError, parseConfig } from "../../../src/server/config/config.ts";

const SECRET = "a-secret-that-no-message-may-show";

/** Returns the names of the variables that are reported as invalid. */
function problemsOf(env: Record<string, string>): string[] {
  try {
    parseConfig(env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.message).not.toContain(SECRET);
    return error.problems.map((problem) => problem.slice(0, problem.indexOf(":")));
  }
}

describe("configuration of sign-up and system mail", () => {
  test("sign-up is closed by default and open with SIGN_UP=open", () => {
    expect(parseConfig({}).signUp).toBe("closed");
    expect(parseConfig({ SIGN_UP: "open" }).signUp).toBe("open");
  });

  test("system mail is off by default and on with SYSTEM_SMTP_URL and SYSTEM_MAIL_FROM", () => {
    expect(parseConfig({}).systemMail).toBeNull();
    const from = "Reprise <no-reply@example.com>";
    const url = "smtps://user%40example.com:p%40ss@mail.example.com:465";
    expect(parseConfig({ SYSTEM_SMTP_URL: url, SYSTEM_MAIL_FROM: from }).systemMail).toEqual({ url, from });
  });

  test.each<[string[], Record<string, string>]>([
    [["SYSTEM_MAIL_FROM"], { SYSTEM_SMTP_URL: "smtp://mail.example.com" }],
    [["SYSTEM_SMTP_URL"], { SYSTEM_MAIL_FROM: "a@example.com" }],
    [["SYSTEM_MAIL_FROM"], { SYSTEM_SMTP_URL: "smtp://mail.example.com", SYSTEM_MAIL_FROM: "not-an-address" }],
    [
      ["SYSTEM_MAIL_FROM"],
      { SYSTEM_SMTP_URL: "smtp://mail.example.com", SYSTEM_MAIL_FROM: "a@b.example\nBcc: c@d.example" },
    ],
    [["SYSTEM_SMTP_URL"], { SYSTEM_SMTP_URL: `https://u:${SECRET}@host`, SYSTEM_MAIL_FROM: "a@example.com" }],
    [["SYSTEM_SMTP_URL"], { SYSTEM_SMTP_URL: "smtp://user@host", SYSTEM_MAIL_FROM: "a@example.com" }],
    [["SYSTEM_SMTP_URL"], { SYSTEM_SMTP_URL: `smtp://user:${SECRET}%zz@host`, SYSTEM_MAIL_FROM: "a@example.com" }],
  ])("%p are reported for incomplete or invalid system mail variables", (names, env) => {
    expect(problemsOf(env)).toEqual(names);
  });
});

describe("configuration of the S3 bucket", () => {
  test("no bucket is configured by default", () => {
    expect(parseConfig({}).s3).toBeNull();
  });

  test("a bucket name alone means Amazon S3 in us-east-1 with the keys of the machine's role", () => {
    const s3 = { bucket: "b.ucket", region: "us-east-1", endpoint: null, pathStyle: false, keys: null, prefix: "" };
    expect(parseConfig({ S3_BUCKET: "b.ucket" }).s3).toEqual(s3);
  });

  test("a bucket at another endpoint uses path-style URLs unless S3_FORCE_PATH_STYLE is false", () => {
    const env = {
      S3_BUCKET: "images",
      S3_ENDPOINT: "https://s3.example.org/",
      S3_REGION: "eu-central-1",
      S3_ACCESS_KEY_ID: "key",
      S3_SECRET_ACCESS_KEY: SECRET,
      S3_PREFIX: "/reprise/live/",
    };
    const s3 = {
      bucket: "images",
      region: "eu-central-1",
      endpoint: "https://s3.example.org",
      pathStyle: true,
      keys: { id: "key", secret: SECRET },
      prefix: "reprise/live/",
    };
    expect(parseConfig(env).s3).toEqual(s3);
    expect(parseConfig({ ...env, S3_FORCE_PATH_STYLE: "false" }).s3).toEqual({ ...s3, pathStyle: false });
  });

  test.each<[string[], Record<string, string>]>([
    [["S3_SECRET_ACCESS_KEY"], { S3_BUCKET: "images", S3_ACCESS_KEY_ID: "key" }],
    [["S3_ACCESS_KEY_ID"], { S3_BUCKET: "images", S3_SECRET_ACCESS_KEY: SECRET }],
    [["S3_BUCKET"], { S3_SECRET_ACCESS_KEY: SECRET, S3_ACCESS_KEY_ID: "key" }],
    [["S3_BUCKET"], { S3_ENDPOINT: "http://127.0.0.1:9000" }],
    [["S3_BUCKET"], { S3_BUCKET: "no name" }],
    [["S3_ENDPOINT"], { S3_BUCKET: "images", S3_ENDPOINT: `ftp://key:${SECRET}@host` }],
    [["S3_FORCE_PATH_STYLE"], { S3_BUCKET: "images", S3_FORCE_PATH_STYLE: "maybe" }],
    [["S3_REGION", "S3_PREFIX"], { S3_BUCKET: "images", S3_REGION: "a b", S3_PREFIX: "a b" }],
  ])("%p are reported for incomplete or invalid S3 variables", (names, env) => {
    expect(problemsOf(env)).toEqual(names);
  });
});

describe("configuration of Postgres", () => {
  test("DATABASE_URL may name several hosts, DATABASE_POOL is 10 by default, and invalid values are reported", () => {
    const databaseUrl = "postgres://me:secret@one:5432,two:5433/reprise";
    expect(parseConfig({ DATABASE_URL: databaseUrl })).toMatchObject({ databaseUrl, databasePool: 10 });
    expect(parseConfig({ DATABASE_POOL: "50" }).databasePool).toBe(50);
    for (const bad of ["1", "201", "2.5", "many"])
      expect(problemsOf({ DATABASE_POOL: bad })).toEqual(["DATABASE_POOL"]);
    expect(problemsOf({ DATABASE_URL: `mysql://root:${SECRET}@db/x` })).toEqual(["DATABASE_URL"]);
  });
});

describe("configuration of Chargebee", () => {
  test("neither webhook nor site nor catalog is configured by default", () => {
    expect(parseConfig({}).chargebee).toEqual({ webhook: null, site: null, catalog: new Map() });
  });

  test("the API URL is derived from CHARGEBEE_SITE unless CHARGEBEE_API_URL is set", () => {
    const env = { CHARGEBEE_SITE: "acme-test", CHARGEBEE_API_KEY: SECRET };
    expect(parseConfig(env).chargebee.site).toEqual({ url: "https://acme-test.chargebee.com", apiKey: SECRET });
    const url = "http://127.0.0.1:9000";
    expect(parseConfig({ ...env, CHARGEBEE_API_URL: `${url}/` }).chargebee.site).toEqual({ url, apiKey: SECRET });
  });

  test("credits of CHARGEBEE_CREDITS are converted to thousandths", () => {
    const text = JSON.stringify({ gold: { credits: 1.5, planName: "Gold" }, pack: { credits: 0, kind: "PURCHASED" } });
    expect(parseConfig({ CHARGEBEE_CREDITS: text }).chargebee.catalog).toEqual(
      new Map([
        ["gold", { credits: 1500, planName: "Gold" }],
        ["pack", { credits: 0, kind: "PURCHASED" }],
      ]),
    );
  });

  test.each<[string[], Record<string, string>]>([
    [["CHARGEBEE_WEBHOOK_PASSWORD"], { CHARGEBEE_WEBHOOK_USER: "chargebee" }],
    [["CHARGEBEE_WEBHOOK_USER"], { CHARGEBEE_WEBHOOK_PASSWORD: SECRET }],
    [["CHARGEBEE_API_KEY"], { CHARGEBEE_SITE: "acme" }],
    [["CHARGEBEE_SITE"], { CHARGEBEE_SITE: "acme.example.org/", CHARGEBEE_API_KEY: SECRET }],
    [["CHARGEBEE_API_URL"], { CHARGEBEE_API_URL: `ftp://${SECRET}@host` }],
    [["CHARGEBEE_CREDITS"], { CHARGEBEE_CREDITS: "gold=1000" }],
    [["CHARGEBEE_CREDITS"], { CHARGEBEE_CREDITS: "[]" }],
    [["CHARGEBEE_CREDITS"], { CHARGEBEE_CREDITS: '{"gold": {"credits": -1}}' }],
    [["CHARGEBEE_CREDITS"], { CHARGEBEE_CREDITS: '{"gold": {"credits": 0.0001}}' }],
    [["CHARGEBEE_CREDITS"], { CHARGEBEE_CREDITS: '{"gold": {"credits": 1, "type": "PACK"}}' }],
    [["CHARGEBEE_CREDITS"], { CHARGEBEE_CREDITS: '{"gold": {"credits": 1, "kind": "PACK"}}' }],
  ])("%p are reported for incomplete or invalid Chargebee variables", (names, env) => {
    expect(problemsOf(env)).toEqual(names);
  });
});

test("configuration: SIMULATOR_JOURNAL is accepted with CHANNELS=simulator only", () => {
  expect(parseConfig({ CHANNELS: "simulator", SIMULATOR_JOURNAL: "/tmp/arrived" }).simulatorJournal).toBe(
    "/tmp/arrived",
  );
  expect(problemsOf({ SIMULATOR_JOURNAL: "/tmp/arrived" })).toEqual(["SIMULATOR_JOURNAL"]);
});

test("configuration: LEDGER_ANCHOR is a file, the log or an https URL, and none by default", () => {
  const anchor = (LEDGER_ANCHOR?: string) => parseConfig({ LEDGER_ANCHOR }).ledgerAnchor;
  expect([anchor(), anchor("log"), anchor("/mnt/elsewhere/anchors")]).toEqual([
    null,
    { kind: "log" },
    { kind: "file", path: "/mnt/elsewhere/anchors" },
  ]);
  expect(anchor("https://keep.example/a")).toEqual({ kind: "webhook", url: "https://keep.example/a" });
  expect(() => anchor("http://keep.example/a")).toThrow("LEDGER_ANCHOR");
});

test("configuration: STOP_TIMEOUT_SECONDS is 9 by default, one less than Docker waits, and invalid values are reported", () => {
  expect(parseConfig({}).stopTimeoutSeconds).toBe(9);
  for (const STOP_TIMEOUT_SECONDS of ["0", "601", "soon"])
    expect(() => parseConfig({ STOP_TIMEOUT_SECONDS })).toThrow("STOP_TIMEOUT_SECONDS");
});
