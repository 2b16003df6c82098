import { type SQL, type SQLWrapper, sql } from "drizzle-orm";

/**
 * Builds a condition that is true where a column contains the text, ignoring case. Both databases lower ASCII letters; other
 * letters only Postgres lowers, and not in every locale, so text with such letters is also searched as it was typed.
 */
export function contains(text: string, ...columns: SQLWrapper[]): SQL {
  const pattern = (part: string) => `%${part.replace(/[\\%_]/g, "\\$&")}%`;
  const lower = pattern(text.toLowerCase());
  const unchanged = pattern(text);
  const conditions = columns.flatMap((column) => [
    sql`lower(${column}) like ${lower} escape '\\'`,
    ...(/[^\0-\x7f]/.test(text) ? [sql`${column} like ${unchanged} escape '\\'`] : []),
  ]);
  return sql`(${sql.join(conditions, sql` or `)})`;
}
