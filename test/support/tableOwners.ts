import { placeOf, type Rule, type Source } from "./architecture.ts";
import { OTHER_WRITERS, OWNERS, SCHEMA } from "./architectureData.ts";

/** How a table is named in a write: in SQL text, or through the schema's export. `$1` is one or the other. */
const NAME = String.raw`(?:"?([a-z_]+)"?|\$\{(\w+)\})`;
const SQL_WRITES = [
  new RegExp(String.raw`\binsert\s+(?:or\s+\w+\s+)?into\s+${NAME}`, "gi"),
  new RegExp(String.raw`\bupdate\s+(?:only\s+)?${NAME}\s+(?:as\s+\w+\s+|[a-z]\s+)?set\b`, "gi"),
  new RegExp(String.raw`\bdelete\s+from\s+(?:only\s+)?${NAME}`, "gi"),
  new RegExp(String.raw`\bdeleteWhere\(\s*\w+,\s*${NAME}`, "g"),
];
/** Drizzle's builders: `tx.insert(bans)`, over however many lines. */
const BUILDER_WRITE = /\.(?:insert|update|delete)\(\s*(\w+)\s*,?\s*\)/g;

/** The tables of the schema by the name of their export. */
function tablesOf(sources: Source[]): Map<string, string> {
  const tables = new Map<string, string>();
  for (const { path, text } of sources) {
    if (!path.startsWith(SCHEMA)) continue;
    for (const [, name = "", table = ""] of text.matchAll(/export const (\w+) = table\(\s*"(\w+)"/g))
      tables.set(name, table);
  }
  return tables;
}

/** The names by which a file knows the schema's exports: `import { bans as list } from "../db/schema/brands.ts"`. */
function namesIn({ text }: Source, tables: ReadonlyMap<string, string>): Map<string, string> {
  const names = new Map(tables);
  for (const [, name = "", alias = ""] of text.matchAll(/\b(\w+) as (\w+)\b/g)) {
    const table = tables.get(name);
    if (table !== undefined) names.set(alias, table);
  }
  return names;
}

/** The tables that a file writes, by whatever means. */
export function tablesWritten(source: Source, tables: ReadonlyMap<string, string>): Set<string> {
  const names = namesIn(source, tables);
  const written = new Set<string>();
  for (const pattern of SQL_WRITES) {
    for (const [, table, name = ""] of source.text.matchAll(pattern)) {
      const found = table ?? names.get(name);
      if (found !== undefined && found in OWNERS) written.add(found);
    }
  }
  for (const [, name = ""] of source.text.matchAll(BUILDER_WRITE)) {
    const table = names.get(name);
    if (table !== undefined) written.add(table);
  }
  return written;
}

function mayWrite(path: string, table: string): boolean {
  const owner = OWNERS[table];
  if (owner !== undefined && path.startsWith(owner)) return true;
  const place = placeOf(
    path,
    OTHER_WRITERS.filter(({ tables }) => tables === undefined || tables.includes(table)).map((writer) => writer.place),
  );
  return place !== undefined;
}

export const everyTableHasAnOwner: Rule = (sources) =>
  [...tablesOf(sources).values()].filter((table) => !(table in OWNERS)).map((table) => `${table} has no owner`);

export const ownersWriteTheirTables: Rule = (sources) => {
  const tables = tablesOf(sources);
  return sources.flatMap((source) =>
    [...tablesWritten(source, tables)]
      .filter((table) => !mayWrite(source.path, table))
      .map((table) => `${source.path} writes ${table}, which belongs to ${OWNERS[table] ?? "nobody"}`),
  );
};
