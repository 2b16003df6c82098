import type { Database, Statement } from "bun:sqlite";
import { SQL, StringChunk } from "drizzle-orm";
import { drizzle } from "drizzle-orm/bun-sqlite";
import { SQLiteSyncDialect } from "drizzle-orm/sqlite-core";
import type { LedgerKey } from "../../lib/crypto/secrets.ts";
import { Cells } from "../sql.ts";
import { checkValueCount } from "../statement-size.ts";
import type { Tx } from "../store.ts";

const sqliteDialect = new SQLiteSyncDialect();

/** Prepared statements cached for one handle. bun:sqlite's own cache holds twenty, fewer than one delivery batch uses. */
const MAX_CACHED_STATEMENTS = 300;

/** Wraps a handle so that each SQL text is compiled once, for as long as it stays among the most recently used. */
function withStatementCache(handle: Database): Database {
  const cache = new Map<string, Statement>();
  const compile = (text: string) => {
    const statement = handle.prepare(text);
    checkValueCount(statement.paramsCount);
    return statement;
  };
  const prepare = (text: string): Statement => {
    const statement = cache.get(text) ?? compile(text);
    cache.delete(text);
    cache.set(text, statement);
    if (cache.size > MAX_CACHED_STATEMENTS) for (const oldest of cache.keys().take(1)) cache.delete(oldest);
    return statement;
  };
  return Object.assign(Object.create(handle) as Database, { prepare, query: prepare });
}

type Value = string | number | null;

/** SQL as SQLite takes it. */
interface CompiledQuery {
  text: string;
  values: Value[];
}

/**
 * Appends a query made of text, values and batches. Drizzle's own compiler does the same and much more, and costs a
 * delivery batch a tenth of its time. Returns false when the query has parts (columns, tables) that only Drizzle compiles.
 */
function appendQuery(query: SQL, into: CompiledQuery): boolean {
  for (const chunk of query.queryChunks as unknown[]) {
    if (chunk instanceof StringChunk) into.text += chunk.value.join("");
    else if (chunk instanceof Cells) {
      into.text += chunk.placeholders();
      for (const value of chunk.values) into.values.push(value);
    } else if (typeof chunk === "string" || typeof chunk === "number" || chunk === null) {
      into.text += "?";
      into.values.push(chunk);
    } else if (!(chunk instanceof SQL && appendQuery(chunk, into))) return false;
  }
  return true;
}

/** Compiles a query that names tables or columns of the schema. Such a query contains no batch. */
function compileWithDrizzle(query: SQL): CompiledQuery {
  const { sql, params } = sqliteDialect.sqlToQuery(query);
  return { text: sql, values: params as Value[] };
}

/** Builds Drizzle's builders over one handle, and `all` for SQL written by hand. */
export function createBuilders(handle: Database, ledgerKey: LedgerKey): Tx {
  const cached = withStatementCache(handle);
  const builders = drizzle({ client: cached }) as unknown as Tx;
  const all = async (query: SQL) => {
    const compiled: CompiledQuery = { text: "", values: [] };
    const { text, values } = appendQuery(query, compiled) ? compiled : compileWithDrizzle(query);
    return cached.query(text).all(...values) as never[];
  };
  return Object.assign(builders, { all, ledgerKey });
}
