import { type SQL, type SQLWrapper, sql } from "drizzle-orm";

/**
 * True where one of the columns contains the text, whatever the case of its letters. Both databases lower ASCII letters;
 * others only Postgres does, and not in every locale, so each is also looked for as it was typed.
 */
export function contains(text: string, ...columns: SQLWrapper[]): SQL {
  const pattern = (wanted: string) => `%${wanted.replace(/[\\%_]/g, "\\$&")}%`;
  const lower = pattern(text.toLowerCase());
  const typed = pattern(text);
  const conditions = columns.flatMap((column) => [
    sql`lower(${column}) like ${lower} escape '\\'`,
    ...(/[^\0-\x7f]/.test(text) ? [sql`${column} like ${typed} escape '\\'`] : []),
  ]);
  return sql`(${sql.join(conditions, sql` or `)})`;
}
