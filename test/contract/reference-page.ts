import { isObject, type Json } from "../../src/http/json.ts";
import { listProperties } from "../support/contract.ts";

/** Fields that only a failed dependency has. */
const ONLY_OF_FAILURES = new Set(["error"]);

/** Lists the fields of the page that a response lacks, at any depth. Null counts as present; an empty list is not compared. */
export function missingFields(wanted: Json | undefined, given: Json | undefined, where = ""): string[] {
  if (!isObject(wanted) || given === null) return [];
  if (Array.isArray(given)) return given.slice(0, 3).flatMap((item) => missingFields(wanted.items, item, `${where}[]`));
  return listProperties(wanted).flatMap(([name, property]) => {
    const inside = where ? `${where}.${name}` : name;
    if (!isObject(given) || !(name in given)) return ONLY_OF_FAILURES.has(name) ? [] : [inside];
    return missingFields(property, given[name], inside);
  });
}

/** Command of the page, and the response printed beneath it. */
export interface CurlLine {
  method: string;
  /** Path with `:name` parameters. */
  path: string;
  /** Command as printed. */
  command: string;
  /** Text between the quotes of `--data`; null without it. */
  data: string | null;
  answer: Json;
}

/** Finds every `curl` command of the page, with its continuation lines. */
export function parseCurlLines(page: string): CurlLine[] {
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

/** Derives a schema for `missingFields` from an example response. */
export function exampleShape(example: Json): Json {
  if (Array.isArray(example)) return { items: exampleShape(example[0] ?? null) };
  if (!isObject(example)) return {};
  return {
    properties: Object.fromEntries(Object.entries(example).map(([name, value]) => [name, exampleShape(value)])),
  };
}
