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

/** A command of the page, and the answer it shows beneath. */
export interface CurlLine {
  method: string;
  /** With its names behind colons. */
  path: string;
  /** Word for word. */
  command: string;
  /** The text between the quotes of `--data`; null where there is none. */
  data: string | null;
  answer: Json;
}

/** Every `curl` of the page: from its first line to the last that belongs to it. */
export function curlLinesOf(page: string): CurlLine[] {
  const found = page.matchAll(
    /^Request Example for (\w+)(\/\S+)\n(curl \S+(?: \\\n {2}--\w+ (?:'[^']*'|[A-Z]+))*)\n((?:[{[]\n[\s\S]*?\n[}\]])$)/gm,
  );
  return [...found].map(([, method = "", path = "", command = "", answer = ""]) => ({
    method: method.toUpperCase(),
    path,
    command,
    data: /--data '([^']*)'/.exec(command)?.[1] ?? null,
    answer: JSON.parse(answer),
  }));
}

/** The fields of an example answer, as a schema that `missingFields` reads. */
export function shapeOf(example: Json): Json {
  if (Array.isArray(example)) return { items: shapeOf(example[0] ?? null) };
  if (!isObject(example)) return {};
  return { properties: Object.fromEntries(Object.entries(example).map(([name, value]) => [name, shapeOf(value)])) };
}
