import { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHECKPOINT_PAGES, LargeCommits } from "../../../src/db/sqlite/large-commit.ts";

const folder = mkdtempSync(join(tmpdir(), "reprise-large-commit-"));
afterAll(() => rmSync(folder, { recursive: true }));

const BLOCKS = 40_000;

function prepared(name: string, blocks: number) {
  const path = join(folder, name);
  const writer = new Database(path, { create: true });
  writer.run("pragma journal_mode = wal");
  writer.run(`pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  writer.run("create table blocks (id integer primary key, bytes blob)");
  writer.run("pragma wal_checkpoint(truncate)");
  const written = () => statSync(path).size;
  const before = written();
  writer.run("begin immediate");
  writer.run(
    "insert into blocks (bytes) with recursive r(i) as (select 1 union all select i + 1 from r where i < ?) select zeroblob(4000) from r",
    [blocks],
  );
  return { path, writer, before, written, large: new LargeCommits(writer, path, "full") };
}

const pages = (writer: Database) => writer.query<{ wal_autocheckpoint: number }, []>("pragma wal_autocheckpoint").get();

test("LargeCommits: a commit of 160 MB is checkpointed by another thread, after which automatic checkpoints are on again", async () => {
  const { path, writer, before, written, large } = prepared("large.db", BLOCKS);
  await large.commit(() => writer.run("commit"));
  expect(pages(writer)?.wal_autocheckpoint).toBe(0);
  expect(written()).toBe(before);
  await large.idle();
  expect(pages(writer)?.wal_autocheckpoint).toBe(CHECKPOINT_PAGES);
  expect(written()).toBeGreaterThan(BLOCKS * 4000);
  const other = new Database(path, { readonly: true });
  expect(other.query("select count(*) as n from blocks").get()).toEqual({ n: BLOCKS });
  other.close();
  writer.close();
});

test("LargeCommits: a small commit is left to SQLite's automatic checkpoint", async () => {
  const { writer, large } = prepared("small.db", 10);
  await large.commit(() => writer.run("commit"));
  expect(pages(writer)?.wal_autocheckpoint).toBe(CHECKPOINT_PAGES);
  writer.close();
});

test("LargeCommits: a large commit that fails rejects with the error and turns automatic checkpoints on again", async () => {
  const { writer, large } = prepared("failing.db", BLOCKS);
  const failing = large.commit(() => {
    throw new Error("the disk is full");
  });
  expect(failing).rejects.toThrow("the disk is full");
  await failing.catch(() => {});
  await large.idle();
  expect(writer.inTransaction).toBe(true);
  writer.run("rollback");
  expect(pages(writer)?.wal_autocheckpoint).toBe(CHECKPOINT_PAGES);
  writer.close();
});
