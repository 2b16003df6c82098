import type { ErrorDetail } from "../../lib/errors.ts";

/** Longest text with a format and no maximum of its own: a time, or a number in a query. */
export const MAX_FORMATTED_TEXT_CHARS = 64;
/** Longest name of a field in a record; names are matched against a pattern too. */
const MAX_RECORD_NAME_CHARS = 256;

/** Returns the first value that is too long, by its length alone; null where none is. */
export type LengthCheck = (value: unknown, field: string) => ErrorDetail | null;

/** The part of a schema that bounds lengths. */
interface Schema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  format?: string;
  maxLength?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  patternProperties?: Record<string, Schema>;
  anyOf?: Schema[];
  allOf?: Schema[];
}

const isText = (schema: Schema) => schema.type === "string" && schema.const === undefined && schema.enum === undefined;

/** Returns the longest text that a schema allows; null where it has no bound. */
export function maxTextLength(schema: Schema): number | null {
  if (!isText(schema)) return null;
  return schema.maxLength ?? (schema.format === undefined ? null : MAX_FORMATTED_TEXT_CHARS);
}

const at = (field: string, name: string | number) => (field === "" ? String(name) : `${field}.${name}`);

function textCheck(most: number): LengthCheck {
  return (value, field) =>
    typeof value === "string" && value.length > most
      ? { field, message: `Expected string length less or equal to ${most}` }
      : null;
}

function listCheck({ items, maxItems = Number.POSITIVE_INFINITY }: Schema): LengthCheck {
  const check = items ? createLengthCheck(items) : null;
  return (value, field) => {
    if (!Array.isArray(value)) return null;
    if (value.length > maxItems) return { field, message: `Expected array length to be less or equal to ${maxItems}` };
    if (!check) return null;
    for (let index = 0; index < value.length; index++) {
      const flaw = check(value[index], at(field, index));
      if (flaw) return flaw;
    }
    return null;
  };
}

function objectCheck({ properties = {}, patternProperties = {} }: Schema): LengthCheck {
  const checks = Object.entries(properties).flatMap(([name, inner]): [string, LengthCheck][] => {
    const check = createLengthCheck(inner);
    return check ? [[name, check]] : [];
  });
  const [others] = Object.values(patternProperties).map(createLengthCheck);
  return (value, field) => {
    if (typeof value !== "object" || value === null) return null;
    const given = value as Record<string, unknown>;
    for (const [name, check] of checks) {
      const flaw = given[name] === undefined ? null : check(given[name], at(field, name));
      if (flaw) return flaw;
    }
    if (others === undefined) return null;
    for (const [name, inner] of Object.entries(given)) {
      if (name.length > MAX_RECORD_NAME_CHARS)
        return { field, message: `Expected names of at most ${MAX_RECORD_NAME_CHARS} characters` };
      const flaw = others?.(inner, at(field, name));
      if (flaw) return flaw;
    }
    return null;
  };
}

/** Checks a union: a text may be as long as its most generous member allows; any other value must fit one member. */
function choiceCheck(choices: Schema[]): LengthCheck | null {
  const texts = choices.filter(isText);
  const lengths = texts.map((choice) => maxTextLength(choice) ?? Number.POSITIVE_INFINITY);
  const literals = choices.flatMap((choice) => (typeof choice.const === "string" ? [choice.const.length] : []));
  const ofText = texts.length > 0 ? textCheck(Math.max(...lengths, ...literals)) : null;
  const others = choices.filter((choice) => !isText(choice)).flatMap((choice) => createLengthCheck(choice) ?? []);
  if (ofText === null && others.length === 0) return null;
  return (value, field) => {
    if (typeof value === "string") return ofText?.(value, field) ?? null;
    const flaws = others.map((check) => check(value, field));
    return flaws.includes(null) ? null : (flaws[0] ?? null);
  };
}

/** Creates the check of lengths for a schema; null where there is nothing to check. */
export function createLengthCheck(schema: Schema): LengthCheck | null {
  const { anyOf, allOf } = schema;
  if (anyOf) return choiceCheck(anyOf);
  if (allOf) {
    const checks = allOf.flatMap((part) => createLengthCheck(part) ?? []);
    return (value, field) => checks.reduce<ErrorDetail | null>((flaw, check) => flaw ?? check(value, field), null);
  }
  const most = maxTextLength(schema);
  if (most !== null) return textCheck(most);
  if (schema.type === "array") return listCheck(schema);
  return schema.type === "object" ? objectCheck(schema) : null;
}
