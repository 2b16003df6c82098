import { Database, type Statement } from "bun:sqlite";
import { SQL, StringChunk } from "drizzle-orm";
import { drizzle } from "drizzle-orm/bun-sqlite";
import { SQLiteSyncDialect } from "drizzle-orm/sqlite-core";
import { createPrivateFile } from "../privateFiles.ts";
import { type LedgerKey, NO_LEDGER_KEY } from "../secrets.ts";
import { NO_BELL } from "./bell.ts";
import { migrateSqlite } from "./migrate.ts";
import { Cells } from "./sql.ts";
import type { Standing } from "./standing.ts";
import { checkValueCount } from "./statementSize.ts";
import type { Reader, Store, Tx } from "./store.ts";

const words = new SQLiteSyncDialect();

/** Statements kept prepared for one handle. bun:sqlite's own cache stops at twenty, which is less than one delivery turn. */
const KEPT = 300;

/** A handle that compiles each SQL text once, for as long as it is in use. */
function withStatements(handle: Database): Database {
  const kept = new Map<string, Statement>();
  const compile = (text: string) => {
    const statement = handle.prepare(text);
    checkValueCount(statement.paramsCount);
    return statement;
  };
  const prepare = (text: string): Statement => {
    const statement = kept.get(text) ?? compile(text);
    kept.delete(text);
    kept.set(text, statement);
    if (kept.size > KEPT) for (const oldest of kept.keys().take(1)) kept.delete(oldest);
    return statement;
  };
  return Object.assign(Object.create(handle) as Database, { prepare, query: prepare });
}

type Value = string | number | null;

/** SQL as SQLite takes it. */
interface Written {
  text: string;
  values: Value[];
}

/**
 * Writes down a query made of text, values and batches. Drizzle's own way does the same and much more, and costs a
 * delivery turn a tenth of its time; false when the query has parts (columns, tables) that only Drizzle can write.
 */
function write(query: SQL, into: Written): boolean {
  for (const chunk of query.queryChunks as unknown[]) {
    if (chunk instanceof StringChunk) into.text += chunk.value.join("");
    else if (chunk instanceof Cells) {
      into.text += chunk.placeholders();
      for (const value of chunk.values) into.values.push(value);
    } else if (typeof chunk === "string" || typeof chunk === "number" || chunk === null) {
      into.text += "?";
      into.values.push(chunk);
    } else if (!(chunk instanceof SQL && write(chunk, into))) return false;
  }
  return true;
}

/** The rare query that names tables or columns of the schema. It brings no batch. */
function writeByDrizzle(query: SQL): Written {
  const { sql, params } = words.sqlToQuery(query);
  return { text: sql, values: params as Value[] };
}

/** Drizzle's builders over one handle, and `all` for SQL written by hand. */
function reader(handle: Database, ledgerKey: LedgerKey): Tx {
  const statements = withStatements(handle);
  const builders = drizzle({ client: statements }) as unknown as Tx;
  const all = async (query: SQL) => {
    const written: Written = { text: "", values: [] };
    const { text, values } = write(query, written) ? written : writeByDrizzle(query);
    return statements.query(text).all(...values) as never[];
  };
  return Object.assign(builders, { all, ledgerKey });
}

function open(path: string, readonly: boolean, durability: "full" | "off"): Database {
  const handle = new Database(path, readonly ? { readonly: true } : { create: true });
  // busy_timeout first: every pragma after it may have to wait for a lock.
  handle.run("pragma busy_timeout = 5000");
  if (!readonly) handle.run("pragma journal_mode = wal");
  handle.run(`pragma synchronous = ${durability}`);
  handle.run("pragma foreign_keys = on");
  handle.run("pragma temp_store = memory");
  handle.run("pragma cache_size = -32768");
  handle.run("pragma mmap_size = 67108864");
  // A page that changes often is copied back once for many commits. The log grows to 32 MB at most before that.
  handle.run("pragma wal_autocheckpoint = 8000");
  return handle;
}

/** Ends a transaction that failed. SQLite has ended it already for some errors; that this fails must not hide the first one. */
function rollBack(writer: Database): void {
  try {
    if (writer.inTransaction) writer.run("rollback");
  } catch {
    // The next transaction tries again before it begins.
  }
}

/**
 * SQLite with one writer and one reader. Writers take turns on one handle; the reader has its own and sees committed
 * rows only. Drizzle's own `transaction` is never used: on bun:sqlite an async callback commits at its first `await`.
 */
export function openSqlite(
  path: string,
  begin: () => Pick<Tx, "now" | "newId">,
  durability: "full" | "off",
  standing: Standing,
  ledgerKey: LedgerKey = NO_LEDGER_KEY,
): Store {
  createPrivateFile(path);
  const writer = open(path, false, durability);
  migrateSqlite(writer);
  const readHandle = open(path, true, durability);
  const read: Reader = reader(readHandle, ledgerKey);
  const dataVersion = readHandle.prepare<{ data_version: number }, []>("pragma data_version");
  const writable = reader(writer, ledgerKey);
  const start = writer.prepare("begin immediate");
  const commit = writer.prepare("commit");
  let tail: Promise<unknown> = Promise.resolve();

  return {
    read,
    write(work) {
      const turn = tail.then(async () => {
        try {
          // One that could not be rolled back, because the disk failed then, too.
          if (writer.inTransaction) writer.run("rollback");
          start.run();
          const result = await work(Object.assign(Object.create(writable), begin()));
          commit.run();
          standing.note();
          return result;
        } catch (error) {
          rollBack(writer);
          standing.note(error);
          throw error;
        }
      });
      tail = turn.catch(() => {});
      return turn;
    },
    bell: NO_BELL,
    version: () => dataVersion.get()?.data_version ?? null,
    async snapshot(work) {
      const handle = open(path, true, durability);
      try {
        handle.run("begin");
        return await work(reader(handle, ledgerKey));
      } finally {
        // Prepared statements outlive the handle: its moment must be let go of, or no checkpoint gets past it.
        handle.run("rollback");
        handle.close();
      }
    },
    async ping() {
      readHandle.query("select 1").get();
    },
    async close() {
      await tail;
      start.finalize();
      commit.finalize();
      dataVersion.finalize();
      readHandle.close();
      try {
        writer.run("pragma wal_checkpoint(truncate)");
      } catch {
        // On a full disk the log stays beside the file: the next start reads both.
      }
      writer.close();
    },
  };
}
