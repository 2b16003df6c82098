import { isObject, type Json } from "../../src/http/json.ts";
import { propertiesOf } from "./contract.ts";

/** What only a dependency that is down has. */
const ONLY_OF_FAILURES = new Set(["error"]);

/** Which fields of the page an answer lacks, at any depth. What is null is there; an empty list tells nothing. */
export function missingFields(wanted: Json | undefined, given: Json | undefined, where = ""): string[] {
  if (!isObject(wanted) || given === null) return [];
  if (Array.isArray(given)) return given.slice(0, 3).flatMap((item) => missingFields(wanted.items, item, `${where}[]`));
  return propertiesOf(wanted).flatMap(([name, property]) => {
    const inside = where ? `${where}.${name}` : name;
    if (!isObject(given) || !(name in given)) return ONLY_OF_FAILURES.has(name) ? [] : [inside];
    return missingFields(property, given[name], inside);
  });
}
