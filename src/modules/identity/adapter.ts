import type { BetterAuthOptions } from "better-auth";
import { type AdapterFactoryConfig, type CustomAdapter, createAdapterFactory } from "better-auth/adapters";
import { asc, desc, getTableColumns } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import { accounts, apiKeys, sessions, users, verifications } from "../../db/schema/identity.ts";
import type { Reader, Store, Tx } from "../../db/store.ts";
import { type Condition, toSqlCondition } from "./conditions.ts";

/** Tables by better-auth's names. */
const tables = new Map<string, PgTable>(
  Object.entries({ user: users, session: sessions, account: accounts, verification: verifications, apikey: apiKeys }),
);

type Row = Record<string, unknown>;
type Write = <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;

function getTable(model: string): PgTable {
  const table = tables.get(model);
  if (!table) throw new Error(`better-auth asks for a table we do not have: ${model}`);
  return table;
}

function getColumn(table: PgTable, field: string): PgColumn {
  const column = getTableColumns(table)[field];
  if (!column) throw new Error(`better-auth asks for a column we do not have: ${field}`);
  return column;
}

/** Implements the row operations of better-auth. Its factory builds the atomic `consumeOne` and `incrementOne` from these. */
function createRowAdapter(read: Reader, write: Write): CustomAdapter {
  const buildCondition = (table: PgTable, where: readonly Condition[] = []) =>
    toSqlCondition(where, (field) => getColumn(table, field));

  async function updateRows(model: string, where: readonly Condition[], values: Row): Promise<Row[]> {
    const table = getTable(model);
    return write((tx) => tx.update(table).set(values).where(buildCondition(table, where)).returning());
  }

  async function deleteRows(model: string, where: readonly Condition[]): Promise<number> {
    const table = getTable(model);
    const deleted = await write((tx) => tx.delete(table).where(buildCondition(table, where)).returning());
    return deleted.length;
  }

  // The casts: in better-auth each caller chooses the type of a row, which no adapter can check.
  return {
    async create<T>({ model, data }: { model: string; data: T }): Promise<T> {
      const [row] = await write((tx) =>
        tx
          .insert(getTable(model))
          .values({ ...data, id: tx.newId() })
          .returning(),
      );
      return row as T;
    },
    async findOne<T>({ model, where }: { model: string; where: Condition[] }): Promise<T | null> {
      const table = getTable(model);
      const [row] = await read.select().from(table).where(buildCondition(table, where)).limit(1);
      return (row ?? null) as T | null;
    },
    async findMany<T>({ model, where, limit, sortBy, offset = 0 }: Parameters<CustomAdapter["findMany"]>[0]) {
      const table = getTable(model);
      const order = getColumn(table, sortBy?.field ?? "id");
      const found = await read
        .select()
        .from(table)
        .where(buildCondition(table, where))
        .orderBy(sortBy?.direction === "desc" ? desc(order) : asc(order))
        .limit(limit)
        .offset(offset);
      return found as T[];
    },
    async count({ model, where }) {
      const table = getTable(model);
      return read.$count(table, buildCondition(table, where));
    },
    async update<T>({ model, where, update }: { model: string; where: Condition[]; update: T }): Promise<T | null> {
      const [row] = await updateRows(model, where, update as Row);
      return (row ?? null) as T | null;
    },
    updateMany: async ({ model, where, update }) => (await updateRows(model, where, update)).length,
    delete: async ({ model, where }) => void (await deleteRows(model, where)),
    deleteMany: ({ model, where }) => deleteRows(model, where),
  };
}

const config: AdapterFactoryConfig = {
  adapterId: "reprise",
  adapterName: "Reprise store",
  disableIdGeneration: true,
  // Times are numbers in the tables and Dates in better-auth.
  customTransformInput: ({ data }) => (data instanceof Date ? data.getTime() : data),
  customTransformOutput: ({ data, fieldAttributes }) =>
    fieldAttributes.type === "date" && typeof data === "number" ? new Date(data) : data,
};

/**
 * Connects better-auth to the store: reads see committed rows, and writes are queued with all others. A second writing handle
 * would block the event loop on SQLite.
 */
export function storeAdapter(store: Store) {
  return (options: BetterAuthOptions) =>
    createAdapterFactory({
      config: {
        ...config,
        transaction: (work) =>
          store.write((tx) =>
            work(createAdapterFactory({ config, adapter: () => createRowAdapter(tx, (step) => step(tx)) })(options)),
          ),
      },
      adapter: () => createRowAdapter(store.read, (work) => store.write(work)),
    })(options);
}
