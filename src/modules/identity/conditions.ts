import type { Where } from "better-auth";
import { and, type Column, inArray, isNotNull, isNull, notInArray, or, type SQL, sql } from "drizzle-orm";

/** One condition of better-auth: a field, an operator, a value, and how it joins the others. */
export type Condition = Required<Where>;

const comparisons = new Map([
  ["ne", "<>"],
  ["lt", "<"],
  ["lte", "<="],
  ["gt", ">"],
  ["gte", ">="],
]);

/** Translates one condition to SQL that means the same on both databases: `LIKE` would ignore case on SQLite only. */
function toComparison({ operator, value, mode }: Condition, column: Column): SQL {
  if (value === null) return operator === "ne" ? isNotNull(column) : isNull(column);
  const given = Array.isArray(value) ? value : [value];
  const folds = mode === "insensitive" && given.every((item) => typeof item === "string");
  const left = folds ? sql`lower(${column})` : sql`${column}`;
  const values = given.map((item) => (folds ? String(item).toLowerCase() : item));
  const text = String(values[0]);
  switch (operator) {
    case "in":
      return inArray(left, values);
    case "not_in":
      return notInArray(left, values);
    case "starts_with":
      return sql`substr(${left}, 1, length(${text})) = ${text}`;
    case "ends_with":
      return sql`(length(${left}) >= length(${text}) and substr(${left}, length(${left}) - length(${text}) + 1) = ${text})`;
    case "contains":
      return text === "" ? isNotNull(column) : sql`replace(${left}, ${text}, '') <> ${left}`;
    default:
      return sql`${left} ${sql.raw(comparisons.get(operator ?? "eq") ?? "=")} ${sql.param(values[0], column)}`;
  }
}

/** Joins conditions of better-auth: all with AND must hold, and at least one of those with OR. */
export function toSqlCondition(where: readonly Condition[], columnOf: (field: string) => Column): SQL | undefined {
  const joined = (connector: "AND" | "OR") =>
    where
      .filter((condition) => condition.connector === connector)
      .map((condition) => toComparison(condition, columnOf(condition.field)));
  return and(...joined("AND"), or(...joined("OR")));
}
