import { describe, expect, test } from "bun:test";
import { ConfigError, readConfig } from "../src/config.ts";

const SECRET = "a-secret-that-no-message-may-show";

/** What is said to be wrong, by the names of the variables. */
function problemsOf(env: Record<string, string>): string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.message).not.toContain(SECRET);
    return error.problems.map((problem) => problem.slice(0, problem.indexOf(":")));
  }
}

describe("who may come in", () => {
  test("sign-up is closed unless it is opened", () => {
    expect(readConfig({}).signUp).toBe("closed");
    expect(readConfig({ SIGN_UP: "open" }).signUp).toBe("open");
  });

  test("the service mails nothing unless it has a mailbox", () => {
    expect(readConfig({}).systemMail).toBeNull();
    const from = "Reprise <no-reply@example.com>";
    const url = "smtps://user%40example.com:p%40ss@mail.example.com:465";
    expect(readConfig({ SYSTEM_SMTP_URL: url, SYSTEM_MAIL_FROM: from }).systemMail).toEqual({ url, from });
  });

  test.each<[string[], Record<string, string>]>([
    [["SYSTEM_MAIL_FROM"], { SYSTEM_SMTP_URL: "smtp://mail.example.com" }],
    [["SYSTEM_SMTP_URL"], { SYSTEM_MAIL_FROM: "a@example.com" }],
    [["SYSTEM_MAIL_FROM"], { SYSTEM_SMTP_URL: "smtp://mail.example.com", SYSTEM_MAIL_FROM: "nobody" }],
    [
      ["SYSTEM_MAIL_FROM"],
      { SYSTEM_SMTP_URL: "smtp://mail.example.com", SYSTEM_MAIL_FROM: "a@b.example\nBcc: c@d.example" },
    ],
    [["SYSTEM_SMTP_URL"], { SYSTEM_SMTP_URL: `https://u:${SECRET}@host`, SYSTEM_MAIL_FROM: "a@example.com" }],
    [["SYSTEM_SMTP_URL"], { SYSTEM_SMTP_URL: "smtp://user@host", SYSTEM_MAIL_FROM: "a@example.com" }],
    [["SYSTEM_SMTP_URL"], { SYSTEM_SMTP_URL: `smtp://user:${SECRET}%zz@host`, SYSTEM_MAIL_FROM: "a@example.com" }],
  ])("%p is named where the mailbox is wrong or half", (names, env) => {
    expect(problemsOf(env)).toEqual(names);
  });
});

describe("the bucket", () => {
  test("is none unless it is named", () => {
    expect(readConfig({}).s3).toBeNull();
  });

  test("needs no more than a name: the rest is Amazon's, and the machine's own role", () => {
    const s3 = { bucket: "b.ucket", region: "us-east-1", endpoint: null, pathStyle: false, keys: null, prefix: "" };
    expect(readConfig({ S3_BUCKET: "b.ucket" }).s3).toEqual(s3);
  });

  test("elsewhere is named in the path, unless told otherwise", () => {
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
    expect(readConfig(env).s3).toEqual(s3);
    expect(readConfig({ ...env, S3_FORCE_PATH_STYLE: "false" }).s3).toEqual({ ...s3, pathStyle: false });
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
  ])("%p is named where it is wrong or missing", (names, env) => {
    expect(problemsOf(env)).toEqual(names);
  });
});

describe("Postgres", () => {
  test("may be several hosts, and gets ten connections unless told otherwise", () => {
    const databaseUrl = "postgres://me:secret@one:5432,two:5433/reprise";
    expect(readConfig({ DATABASE_URL: databaseUrl })).toMatchObject({ databaseUrl, databasePool: 10 });
    expect(readConfig({ DATABASE_POOL: "50" }).databasePool).toBe(50);
    for (const bad of ["1", "201", "2.5", "many"])
      expect(problemsOf({ DATABASE_POOL: bad })).toEqual(["DATABASE_POOL"]);
    expect(problemsOf({ DATABASE_URL: `mysql://root:${SECRET}@db/x` })).toEqual(["DATABASE_URL"]);
  });
});

describe("Chargebee", () => {
  test("is not there unless it is named", () => {
    expect(readConfig({}).chargebee).toEqual({ webhook: null, site: null, catalog: new Map() });
  });

  test("is reached under its site's name, or where it is said to be", () => {
    const env = { CHARGEBEE_SITE: "acme-test", CHARGEBEE_API_KEY: SECRET };
    expect(readConfig(env).chargebee.site).toEqual({ url: "https://acme-test.chargebee.com", apiKey: SECRET });
    const url = "http://127.0.0.1:9000";
    expect(readConfig({ ...env, CHARGEBEE_API_URL: `${url}/` }).chargebee.site).toEqual({ url, apiKey: SECRET });
  });

  test("what item prices bring is in thousandths", () => {
    const text = JSON.stringify({ gold: { credits: 1.5, planName: "Gold" }, pack: { credits: 0, kind: "PURCHASED" } });
    expect(readConfig({ CHARGEBEE_CREDITS: text }).chargebee.catalog).toEqual(
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
  ])("%p is named where it is wrong or missing", (names, env) => {
    expect(problemsOf(env)).toEqual(names);
  });
});

test("the simulator's journal goes with the simulator only", () => {
  expect(readConfig({ CHANNELS: "simulator", SIMULATOR_JOURNAL: "/tmp/arrived" }).simulatorJournal).toBe(
    "/tmp/arrived",
  );
  expect(problemsOf({ SIMULATOR_JOURNAL: "/tmp/arrived" })).toEqual(["SIMULATOR_JOURNAL"]);
});

test("the ledger's anchor is a file, the log or an https URL, and nowhere by default", () => {
  const anchor = (LEDGER_ANCHOR?: string) => readConfig({ LEDGER_ANCHOR }).ledgerAnchor;
  expect([anchor(), anchor("log"), anchor("/mnt/elsewhere/anchors")]).toEqual([
    null,
    { kind: "log" },
    { kind: "file", path: "/mnt/elsewhere/anchors" },
  ]);
  expect(anchor("https://keep.example/a")).toEqual({ kind: "webhook", url: "https://keep.example/a" });
  expect(() => anchor("http://keep.example/a")).toThrow("LEDGER_ANCHOR");
});

test("a stop takes nine seconds at most, one less than Docker waits, unless told otherwise", () => {
  expect(readConfig({}).stopTimeoutSeconds).toBe(9);
  for (const STOP_TIMEOUT_SECONDS of ["0", "601", "soon"])
    expect(() => readConfig({ STOP_TIMEOUT_SECONDS })).toThrow("STOP_TIMEOUT_SECONDS");
});
