/** Part of JSON Schema that bounds strings. */
export interface TextSchema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  items?: TextSchema;
  maxItems?: number;
  maxProperties?: number;
  properties?: Record<string, TextSchema>;
  patternProperties?: Record<string, TextSchema>;
  anyOf?: TextSchema[];
  allOf?: TextSchema[];
}

/** String field of a request. */
export interface TextField {
  route: string;
  part: "body" | "query" | "params";
  /** `steps.0.body` */
  field: string;
  schema: TextSchema;
}

const PARTS = ["body", "query", "params"] as const;
const KNOWN = new Set(["string", "number", "integer", "boolean", "null", "array", "object"]);

function* textsIn(schema: TextSchema, field: string): Generator<{ field: string; schema: TextSchema }> {
  if (schema.const === undefined && !schema.enum && schema.type === "string") yield { field, schema };
  const { properties = {}, patternProperties = {}, items, anyOf = [], allOf = [] } = schema;
  // References and conditions would be missed here and by the check of lengths.
  const isKnown =
    schema.const !== undefined || schema.enum || anyOf.length + allOf.length > 0 || KNOWN.has(schema.type ?? "");
  if (!isKnown) throw new Error(`${field}: a schema of an unknown kind: ${JSON.stringify(schema).slice(0, 200)}`);
  const at = (name: string | number) => (field === "" ? String(name) : `${field}.${name}`);
  for (const [name, inner] of Object.entries(properties)) yield* textsIn(inner, at(name));
  for (const inner of Object.values(patternProperties)) yield* textsIn(inner, at("anyName"));
  if (items) yield* textsIn(items, at(0));
  for (const choice of [...anyOf, ...allOf]) yield* textsIn(choice, field);
}

type Route = { method: string; path: string; hooks: unknown };

/** Returns the schema of a part of a route's requests. */
export function schemaOf({ hooks }: Route, part: TextField["part"]): TextSchema | undefined {
  return (hooks as Partial<Record<string, TextSchema>> | undefined)?.[part];
}

/** Lists every string field in the requests of the routes. */
export function textFields(routes: readonly Route[]): TextField[] {
  return routes.flatMap((route) =>
    PARTS.flatMap((part) => {
      const schema = schemaOf(route, part);
      if (schema === undefined) return [];
      return [...textsIn(schema, "")].map((text) => ({ route: `${route.method} ${route.path}`, part, ...text }));
    }),
  );
}

/** Returns the bytes of the largest JSON that fits a schema, in ASCII. */
export function largestJsonBytes(schema: TextSchema): number {
  if (schema.anyOf) return Math.max(...schema.anyOf.map(largestJsonBytes));
  if (schema.allOf) return schema.allOf.reduce((sum, part) => sum + largestJsonBytes(part), 0);
  if (schema.const !== undefined) return JSON.stringify(schema.const).length;
  if (schema.type === "string") return (schema.maxLength ?? 64) + 2;
  if (schema.type === "array") return 2 + (schema.maxItems ?? Number.NaN) * (largestJsonBytes(schema.items ?? {}) + 1);
  const own = Object.entries(schema.properties ?? {}).map(([name, inner]) => name.length + 4 + largestJsonBytes(inner));
  const any = Object.values(schema.patternProperties ?? {}).map(
    (inner) => (schema.maxProperties ?? Number.NaN) * (68 + largestJsonBytes(inner)),
  );
  return schema.type === "object" ? [...own, ...any].reduce((sum, size) => sum + size, 2) : 24;
}

/** Builds a body that holds a text at a field, and nothing else. */
export function bodyWithText(field: string, text: string): unknown {
  return field
    .split(".")
    .reduceRight<unknown>((inner, name) => (/^\d+$/.test(name) ? [inner] : { [name]: inner }), text);
}
