import { type Fields, toFields, toText } from "../../lib/json-fields.ts";

export type LotKind = "SUBSCRIPTION" | "PURCHASED";

/** The credits that one unit of an item price grants. */
export interface Product {
  /** Thousandths. */
  credits: number;
  /** Default: credits of charges do not expire, those of plans and addons expire with their period. */
  kind?: LotKind;
  planName?: string;
}

/** Products by the id of their item price. */
export type Catalog = ReadonlyMap<string, Product>;

const ALLOWED = new Set(["credits", "kind", "planName"]);

function parseProduct(given: Fields): Product | null {
  const credits = typeof given.credits === "string" ? Number(given.credits) : given.credits;
  if (typeof credits !== "number" || !(credits >= 0 && credits <= 1e9)) return null;
  const thousandths = Math.round(credits * 1000);
  if (thousandths / 1000 !== credits) return null;
  const { kind } = given;
  if (kind !== undefined && kind !== "SUBSCRIPTION" && kind !== "PURCHASED") return null;
  const planName = toText(given.planName);
  return { credits: thousandths, ...(kind ? { kind } : {}), ...(planName ? { planName } : {}) };
}

/** Parses the metadata of an item price in Chargebee, `{"credits": 1000, "kind": "PURCHASED"}`; null without `credits`. */
export function parseMetadataProduct(metadata: unknown): Product | null {
  const { credits, kind, planName } = toFields(metadata);
  return credits === undefined ? null : parseProduct({ credits, kind, planName });
}

/** Parses `{"item price id": {"credits": 1000, "kind": "SUBSCRIPTION", "planName": "Gold"}}`. Returns a text when it is invalid. */
export function parseCatalog(text: string): Catalog | string {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return "expected JSON";
  }
  if (typeof given !== "object" || given === null || Array.isArray(given)) return "expected an object";
  const catalog = new Map<string, Product>();
  for (const [id, value] of Object.entries(given)) {
    const fields = toFields(value);
    const product = Object.keys(fields).every((name) => ALLOWED.has(name)) ? parseProduct(fields) : null;
    if (product === null) {
      return `${JSON.stringify(id)}: expected {"credits": a number with at most 3 decimals, "kind"?: "SUBSCRIPTION" or "PURCHASED", "planName"?: a text}`;
    }
    catalog.set(id, product);
  }
  return catalog;
}
