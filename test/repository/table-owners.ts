import { OTHER_WRITERS, SCHEMA, SCHEMA_OWNERS, TABLE_OWNERS } from "./architecture-layout.ts";
import type { Rule, Source } from "./architecture-rules.ts";

/** Matches the name of a table in a write: SQL text (first group), or an export of the schema (second group). */
const NAME = String.raw`(?:"?([a-z_]+)"?|\$\{(\w+)\})`;
const SQL_WRITES = [
  new RegExp(String.raw`\binsert\s+(?:or\s+\w+\s+)?into\s+${NAME}`, "gi"),
  new RegExp(String.raw`\bupdate\s+(?:only\s+)?${NAME}\s+(?:as\s+\w+\s+|[a-z]\s+)?set\b`, "gi"),
  new RegExp(String.raw`\bdelete\s+from\s+(?:only\s+)?${NAME}`, "gi"),
  new RegExp(String.raw`\bdeleteWhere\(\s*\w+,\s*${NAME}`, "g"),
];
/** Drizzle's builders: `tx.insert(bans)`, over however many lines. */
const BUILDER_WRITE = /\.(?:insert|update|delete)\(\s*(\w+)\s*,?\s*\)/g;

interface Schema {
  /** The tables by the name of their export. */
  tables: Map<string, string>;
  /** The place that owns each table; undefined where none is known. */
  owners: Map<string, string | undefined>;
}

function readSchema(sources: Source[]): Schema {
  const tables = new Map<string, string>();
  const owners = new Map<string, string | undefined>();
  for (const { path, text } of sources) {
    if (!path.startsWith(SCHEMA)) continue;
    for (const [, name = "", table = ""] of text.matchAll(/export const (\w+) = table\(\s*"(\w+)"/g)) {
      tables.set(name, table);
      owners.set(table, SCHEMA_OWNERS[path.slice(SCHEMA.length)]);
    }
  }
  for (const [table, owner] of Object.entries(TABLE_OWNERS)) owners.set(table, owner);
  return { tables, owners };
}

/** The names by which a file knows the schema's exports: `import { bans as list } from "../db/schema/bans.ts"`. */
function namesIn({ text }: Source, tables: ReadonlyMap<string, string>): Map<string, string> {
  const names = new Map(tables);
  for (const [, name = "", alias = ""] of text.matchAll(/\b(\w+) as (\w+)\b/g)) {
    const table = tables.get(name);
    if (table !== undefined) names.set(alias, table);
  }
  return names;
}

/** Returns the tables that a file writes, in SQL text or through builders. */
function tablesWritten(source: Source, { tables, owners }: Schema): Set<string> {
  const names = namesIn(source, tables);
  const written = new Set<string>();
  for (const pattern of SQL_WRITES) {
    for (const [, table, name = ""] of source.text.matchAll(pattern)) {
      const found = table ?? names.get(name);
      if (found !== undefined && owners.has(found)) written.add(found);
    }
  }
  for (const [, name = ""] of source.text.matchAll(BUILDER_WRITE)) {
    const table = names.get(name);
    if (table !== undefined) written.add(table);
  }
  return written;
}

function mayWrite(path: string, table: string, owner: string | undefined): boolean {
  if (owner !== undefined && path.startsWith(owner)) return true;
  const writers = OTHER_WRITERS.filter(({ tables }) => tables === undefined || tables.includes(table));
  return writers.some(({ place }) => path.startsWith(place));
}

export const everyTableHasAnOwner: Rule = (sources) =>
  [...readSchema(sources).owners].filter(([, owner]) => owner === undefined).map(([table]) => `${table} has no owner`);

export const ownersWriteTheirTables: Rule = (sources) => {
  const schema = readSchema(sources);
  return sources.flatMap((source) =>
    [...tablesWritten(source, schema)]
      .filter((table) => !mayWrite(source.path, table, schema.owners.get(table)))
      .map((table) => `${source.path} writes ${table}, which belongs to ${schema.owners.get(table)}`),
  );
};
