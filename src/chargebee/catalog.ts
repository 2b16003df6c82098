import { type Fields, fieldsIn, textIn } from "./fields.ts";

export type LotKind = "SUBSCRIPTION" | "PURCHASED";

/** What one unit of an item price brings. */
export interface Product {
  /** Thousandths. */
  credits: number;
  /** Absent: charges are bought for good, plans and addons last as long as their period. */
  kind?: LotKind;
  planName?: string;
}

/** Products by the id of their item price. */
export type Catalog = ReadonlyMap<string, Product>;

const ALLOWED = new Set(["credits", "kind", "planName"]);

function readProduct(given: Fields): Product | null {
  const credits = typeof given.credits === "string" ? Number(given.credits) : given.credits;
  if (typeof credits !== "number" || !(credits >= 0 && credits <= 1e9)) return null;
  const thousandths = Math.round(credits * 1000);
  if (thousandths / 1000 !== credits) return null;
  const { kind } = given;
  if (kind !== undefined && kind !== "SUBSCRIPTION" && kind !== "PURCHASED") return null;
  const planName = textIn(given.planName);
  return { credits: thousandths, ...(kind ? { kind } : {}), ...(planName ? { planName } : {}) };
}

/** What an item price's own metadata in Chargebee says: `{"credits": 1000, "kind": "PURCHASED"}`; null when nothing. */
export function productIn(metadata: unknown): Product | null {
  const { credits, kind, planName } = fieldsIn(metadata);
  return credits === undefined ? null : readProduct({ credits, kind, planName });
}

/** Reads `{"item price id": {"credits": 1000, "kind": "SUBSCRIPTION", "planName": "Gold"}}`; a text when it is not that. */
export function readCatalog(text: string): Catalog | string {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return "expected JSON";
  }
  if (typeof given !== "object" || given === null || Array.isArray(given)) return "expected an object";
  const catalog = new Map<string, Product>();
  for (const [id, value] of Object.entries(given)) {
    const fields = fieldsIn(value);
    const product = Object.keys(fields).every((name) => ALLOWED.has(name)) ? readProduct(fields) : null;
    if (product === null) {
      return `${JSON.stringify(id)}: expected {"credits": a number with at most 3 decimals, "kind"?: "SUBSCRIPTION" or "PURCHASED", "planName"?: a text}`;
    }
    catalog.set(id, product);
  }
  return catalog;
}
