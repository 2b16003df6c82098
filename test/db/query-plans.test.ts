import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type SQL, sql } from "drizzle-orm";
import { dialect } from "../../src/db/dialect.ts";
import type { Reader, Store } from "../../src/db/store.ts";
import { SYSTEM, tenantScope } from "../../src/db/tenant-scope.ts";
import { listWords } from "../../src/db/word-index.ts";
import { HOUR } from "../../src/lib/clock.ts";
import { createBrand } from "../../src/modules/brands/brands.ts";
import { listDirectory } from "../../src/modules/brands/directory.ts";
import { type FollowUpFilter, listFollowUps } from "../../src/modules/delivery/follow-ups.ts";
import { getPlatformCounts } from "../../src/modules/messages/counts.ts";
import { updateTallies } from "../../src/modules/messages/tallies.ts";
import { type BanPage, listBans, PLATFORM } from "../../src/modules/suppressions/bans.ts";
import { openTestStore } from "../support/store.ts";

// Lists stay fast only while the database uses the index made for them.

let store: Store;
let folder: string;
let tidy: () => Promise<void>;
beforeAll(async () => {
  ({ store, folder, close: tidy } = await openTestStore());
});
afterAll(() => tidy());

/** Explains each statement that a service function runs, and joins the steps of the query plans. */
async function planOf(run: (read: Reader) => Promise<unknown>): Promise<string> {
  return store.write(async (tx) => {
    const asked: SQL[] = [];
    const watched = Object.create(tx, {
      all: {
        value: (query: SQL) => {
          asked.push(query);
          return tx.all(query);
        },
      },
    }) as Reader;
    await run(watched);
    const steps: string[] = [];
    // With few rows Postgres prefers sequential scans and sorts. Disable these: the test shows that an index can
    // serve the query.
    const ways = dialect === "postgres" ? ["seqscan", "bitmapscan", "sort", "hashjoin", "mergejoin", "material"] : [];
    for (const way of ways) await tx.all(sql.raw(`set local enable_${way} = off`));
    for (const query of asked) {
      if (dialect === "postgres") {
        const plan = await tx.all<{ "QUERY PLAN": string }>(sql`explain ${query}`);
        steps.push(...plan.map((step) => step["QUERY PLAN"]));
      } else {
        const plan = await store.read.all<{ detail: string }>(sql`explain query plan ${query}`);
        steps.push(...plan.map(({ detail }) => detail));
      }
    }
    return steps.join("\n");
  });
}

/** Expects a plan that walks the index in the order of the list, without a full scan. */
function expectWalk(plan: string, index: string): void {
  expect(plan).toContain(index);
  if (dialect === "sqlite") expect(plan).not.toMatch(/SCAN (bans|messages|b)\b(?!.* USING )/);
  else expect(plan).not.toContain("Seq Scan");
}

describe("query plan of the ban list", () => {
  const page: BanPage = { scope: PLATFORM, sortBy: "email", sortOrder: "asc", after: null, limit: 20 };
  for (const sortBy of ["createdAt", "email"] as const) {
    for (const sortOrder of ["asc", "desc"] as const) {
      for (const after of [null, [sortBy === "email" ? "m@x.example" : 5, "m"]] as const) {
        test(`sorted by ${sortBy}, ${sortOrder}, ${after ? "from a cursor on" : "from the start"}: walks an index without sorting`, async () => {
          const plan = await planOf((read) =>
            listBans(read, { ...page, sortBy, sortOrder, after: after && [...after] }),
          );
          expectWalk(plan, sortBy === "email" ? "bans_by_email" : "bans_created");
          expect(plan).not.toMatch(/TEMP B-TREE|\bSort\b/);
          // The cursor is a bound of the index, so rows before it are not read.
          const bounds = dialect === "sqlite" ? /\(scope=\? AND [^)]*[<>]/ : /Index Cond: .*scope.* AND .*[<>]/;
          if (after) expect(plan).toMatch(bounds);
        });
      }
    }
  }
});

describe("query plan of the platform's follow-ups", () => {
  beforeAll(() =>
    store.write(async (tx) => {
      const some = { stage: 1, scheduledTime: 5 * HOUR, delta: 50 };
      for (const status of ["PENDING", "SENT", "CANCELLED", "FAILED"] as const) {
        await updateTallies(tx, [
          { ...some, status },
          { ...some, status, stage: 0 },
        ]);
      }
    }),
  );

  const cases: [string, Pick<FollowUpFilter, "fromStage" | "status">, page: number, index: string][] = [
    ["the first page", { fromStage: 1 }, 1, "messages_follow_ups"],
    ["a deep page", { fromStage: 1 }, 3, "messages_follow_ups"],
    ["those sent", { fromStage: 1, status: "SENT" }, 1, "messages_follow_ups"],
    ["those that failed", { fromStage: 1, status: "FAILED" }, 2, "messages_failed"],
    ["those cancelled, with the openings", { fromStage: 0, status: "CANCELLED" }, 1, "messages_cancelled"],
    ["with the openings", { fromStage: 0 }, 2, "messages_openings"],
  ];
  test.each(cases)("%s: walks an index", async (_, filter, page, index) => {
    const plan = await planOf((read) =>
      listFollowUps(read, { ...filter, scope: tenantScope(SYSTEM) }, { page, limit: 20 }),
    );
    expectWalk(plan, index);
  });
});

test("query plan of the brand list: walks the index by creation time", async () => {
  await store.write((tx) => createBrand(tx, { name: "One" }, null));
  const plan = await planOf((read) => listDirectory(read, { limit: 10, offset: 0 }));
  expectWalk(plan, "brands_created");
});

test("query plan of the queue counts: uses small indexes and tallies, independent of campaigns and messages", async () => {
  const plan = await planOf(getPlatformCounts);
  for (const index of ["messages_lease", "messages_unknown", "message_tallies"]) expectWalk(plan, index);
  expect(plan).not.toContain("message_counts");
});

if (dialect === "postgres") {
  describe("query plan of contact words", () => {
    test.each([
      ["from the start", null],
      ["from a cursor on", { word: "miller", order: "019a8a3e-5a00-7000-8000-000000000001" }],
    ] as const)("%s: walks the index within bounds, without sorting", async (_, after) => {
      const plan = await planOf((read) => listWords(read, "019a8a3e-5a00-7000-8000-00000000000b", "mil", after, 200));
      expect(plan).not.toMatch(/\bSort\b|Seq Scan/);
      expect(plan).toContain("contact_words_key");
      expect(plan).toMatch(after ? /Index Cond: .*ROW\(word, contact_id\) >/ : /Index Cond: .*word >= /);
      expect(plan).toMatch(/Index Cond: .*word < /);
    });
  });
} else {
  // FTS5 keeps its reader open for a statement of the store that is only explained, so explain these with a handle of
  // their own and finalize them.
  test("query plan of contact words: FTS5 gets both ends of a range and nothing is sorted", () => {
    const handle = new Database(join(folder, "reprise.db"), { readonly: true });
    const planOf = (text: string) => {
      const statement = handle.prepare<{ detail: string }, []>(`explain query plan ${text}`);
      const plan = statement.all().map(({ detail }) => detail);
      statement.finalize();
      return plan;
    };
    // Check the flags of FTS5: bounded from below (0x200) and from above (0x400).
    const [list = ""] = planOf("select v.term from contact_term_list v where v.term >= 'a' and v.term < 'b' limit 9");
    expect(Number(/^SCAN v VIRTUAL TABLE INDEX (\d+):$/.exec(list)?.[1]) & 0x600).toBe(0x600);
    const term = "select t.rowid from contact_terms t where t.contact_terms match '\"a\"' and t.rowid > 5";
    expect(planOf(`${term} order by t.rowid limit 9`)).toEqual([
      expect.stringMatching(/^SCAN t VIRTUAL TABLE INDEX .*>/),
    ]);
    handle.close();
  });
}
