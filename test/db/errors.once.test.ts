import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { parseDatabaseUrl } from "../../src/db/database-url.ts";
import { isOutage, isUnavailable } from "../../src/db/errors.ts";
import { isReportedOutage, OutageMonitor } from "../../src/db/outage-monitor.ts";

const coded = (code: string) => Object.assign(new Error("no"), { code });
/** Wraps an error as Drizzle does. */
const wrapped = (cause: Error) => new Error("Failed query: select secret", { cause });

describe("database errors", () => {
  test.each(
    [
      "ECONNREFUSED",
      "EHOSTUNREACH",
      "EAI_AGAIN",
      "CONNECT_TIMEOUT",
      "CONNECTION_CLOSED",
      "08006",
      "53100",
      "53300",
    ].concat(["57P01", "57P03", "25006", "25P03", "58030", "SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_CANTOPEN"]),
  )("%s: is an outage", (code) => {
    expect([isOutage(wrapped(coded(code))), isUnavailable(coded(code))]).toEqual([true, true]);
  });

  test.each(["57014", "55P03", "POOL_EXHAUSTED", "SQLITE_BUSY"])("%s: is unavailable but no outage", (code) => {
    expect([isOutage(coded(code)), isUnavailable(wrapped(coded(code)))]).toEqual([false, true]);
  });

  test.each(["23505", "42P01", "28P01", "3D000", "SQLITE_CONSTRAINT_UNIQUE", "ENOENT"])(
    "%s: is not unavailable",
    (code) => {
      expect(isUnavailable(wrapped(coded(code)))).toBe(false);
    },
  );

  test("a full SQLite file: is an outage", () => {
    const file = new Database(":memory:");
    file.run("create table t (x)");
    file.run("pragma max_page_count = 10");
    const fill = () => {
      for (;;) file.run("insert into t values (zeroblob(4000))");
    };
    let failure: unknown;
    try {
      fill();
    } catch (error) {
      failure = error;
    }
    expect([isOutage(failure), isUnavailable(failure)]).toEqual([true, true]);
    file.close();
  });
});

test("OutageMonitor: reports an outage once with the original error, and marks later errors of the outage as reported", async () => {
  const reported: unknown[] = [];
  const monitor = new OutageMonitor((works, error) => reported.push([works, error]));
  const outage = coded("57P01");
  monitor.record();
  monitor.record(coded("23505"));
  monitor.record(wrapped(outage));
  const late = coded("POOL_EXHAUSTED");
  monitor.record(late);
  monitor.record();
  // Callbacks run after the error was handled.
  await Bun.sleep(0);
  expect(reported).toEqual([[false, outage]]);
  expect([wrapped(outage), late, coded("57P01")].map(isReportedOutage)).toEqual([true, true, false]);
});

describe("parseDatabaseUrl", () => {
  test("parses several hosts, with and without ports", () => {
    expect(parseDatabaseUrl("postgres://me:p%40ss@one:6432,two,[::1]:7/db?target_session_attrs=primary&x=1")).toEqual({
      hosts: [
        { host: "one", port: 6432 },
        { host: "two", port: 5432 },
        { host: "::1", port: 7 },
      ],
      url: "postgres://me:p%40ss@one:6432/db?x=1",
    });
  });

  test.each(["mysql://db/x", "postgres://", "postgres://one,/x", "postgres://one:port/x", "one"])(
    "returns null for %s",
    (url) => {
      expect(parseDatabaseUrl(url)).toBeNull();
    },
  );
});
