import { isObject, type Json, type JsonObject } from "../../src/http/json.ts";
import type { Random } from "../../src/lib/random.ts";
import { type ApiOperation, type IdLookup, pickRandom, sampleValue } from "../support/openapi-operations.ts";

/** Request that is invalid somewhere, most of the time. */
export interface FuzzRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | FormData | Uint8Array<ArrayBuffer> | null;
}

const NUMBERS = [0, -1, 0.1, 1e21, -1e308, 2 ** 53];
const WORDS = ["", " ", "x", "-1", "NaN", "null", "a@b@c", "+1", "9999999-01-01"];
const OF_ALL_OBJECTS = ["__proto__", "constructor", "toString", "hasOwnProperty"];
const CHARACTERS = [
  ...["\0", "a\0b", "\ud800", "\udc00x", "\u202e", "\ufeff", "👩‍👩‍👧‍👦", "İß", "x\r\nBcc: e@x.example"],
  ...["𝒳\u{10ffff}", "שלום عليكم", "e\u0301".repeat(200), "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢", "\u2028", "ﷺ".repeat(50)],
];
const ATTACKS = [
  "'; drop table brands; --",
  "%_\\",
  "{{ 7 | times: 7 }}",
  "../../etc/passwd",
  "http://169.254.169.254",
];
const ENDLESS = "{% for a in (1..100000000) %}{{ a }}{% endfor %}";
const SHAPES: Json[] = [[], [[]], [null], ["\0"], {}, { length: 1e9 }, { toString: "x" }, { valueOf: 1 }];
/** Values that a field of any type may be sent. */
const VALUES: Json[] = [
  null,
  true,
  false,
  ENDLESS,
  ...NUMBERS,
  ...WORDS,
  ...OF_ALL_OBJECTS,
  ...CHARACTERS,
  ...ATTACKS,
  ...SHAPES,
];

const LARGE: (() => Json)[] = [
  () => "x".repeat(1_000_000),
  () => "😀".repeat(250_000),
  () => "{{".repeat(100_000),
  () => "a@".repeat(200_000),
  () => Array.from({ length: 20_000 }, () => "x"),
  () => Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`k${n}`, n])),
];

/** Bodies that `JSON.stringify` would not write. */
const TEXTS = [
  "",
  " ",
  "null",
  "[]",
  '"x"',
  "1",
  "{",
  '{"a":',
  "\ufeff{}",
  "{'a':1}",
  '{"a":1,}',
  '{"a":NaN}',
  "1e999",
];
const NESTS = [() => `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`, () => "[".repeat(50_000)];
const NOT_UTF8 = Uint8Array.of(0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d);
/** Unknown fields. `JSON.parse` creates a field __proto__, which a literal would not. */
const SURPLUS: JsonObject = JSON.parse(
  '{"__proto__":{"role":"admin"},"constructor":{"prototype":{"role":"admin"}},"role":"admin","id":"x","a":[1],"\\u0000":1}',
);
const TYPES = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", "x", ""];

const IN_PATHS = ["a".repeat(5_000), ..."x %00 __proto__ ..%2f..%2fetc %ed%a0%80 %E0%A4%A %20 -1 *".split(" ")];
const IN_QUERIES = ["", ..."x %00 %ed%a0%80 -1 0 1.5 1e9 NaN 101 true %7B%7D %25_ % []".split(" ")];
const WHOLE_QUERIES = [
  "unknown=1",
  "__proto__=1",
  "toString=1",
  "constructor=1&constructor=2",
  "limit[]=1",
  "limit[a]=1",
  "&&",
  "=",
  "%=%",
];

const KEYS = ["a", "b", "x".repeat(256), "a b", "", "é"];

const FILES = [
  "",
  "email\n",
  "email,email\na@x.example,b@x.example\n",
  '"email\n',
  "\0\0",
  "x".repeat(1e6),
  ",".repeat(5e4),
];
const FILE_NAMES = ["people.csv", "", "../../x.csv", "a\0b.csv", "x".repeat(3_000), "💥.exe", "people.xlsx"];

/** Generates a request of an operation that is invalid somewhere, most of the time. */
export function generateFuzzRequest(operation: ApiOperation, random: Random, idOf: IdLookup): FuzzRequest {
  const headers: Record<string, string> = {};
  const { method } = operation;
  if (method === "POST" && random() < 0.1) headers["idempotency-key"] = pickRandom(KEYS, random);
  const path = operation.path.replace(/([\w-]+)\/\{\w+\}/g, (_, kind: string) => {
    return `${kind}/${random() < 0.9 ? idOf(kind) : pickRandom(IN_PATHS, random)}`;
  });
  const body = method === "GET" ? null : bodyFor(operation, random, idOf, headers);
  return { method, path: `${path}${queryFor(operation, random, idOf)}`, headers, body };
}

function queryFor({ query }: ApiOperation, random: Random, idOf: IdLookup): string {
  const given = query.flatMap(({ name, schema }) => {
    if (random() < 0.5) return [];
    const right = encodeURIComponent(String(sampleValue(schema, random, idOf, String(name))).toWellFormed());
    const kind = random();
    const twice = kind < 0.05 ? ["a", "b"] : [right, right];
    const values = kind < 0.1 ? twice : [random() < 0.6 ? right : wrongInQuery(random)];
    return values.map((value) => `${name}=${value}`);
  });
  if (random() < 0.1) given.push(pickRandom(WHOLE_QUERIES, random));
  return given.length > 0 ? `?${given.join("&")}` : "";
}

/** Draws an invalid query value, also as a base64 cursor. */
function wrongInQuery(random: Random): string {
  if (random() < 0.7) return pickRandom(IN_QUERIES, random);
  const place = [pickRandom(VALUES, random), pickRandom(VALUES, random)];
  return Buffer.from(JSON.stringify(random() < 0.8 ? place : pickRandom(VALUES, random))).toString("base64url");
}

function bodyFor(operation: ApiOperation, random: Random, idOf: IdLookup, headers: Record<string, string>) {
  const right = sampleValue(operation.body?.schema, random, idOf);
  if (operation.body?.type === "multipart/form-data" && random() < 0.7) return formFor(random);
  headers["content-type"] = random() < 0.92 ? "application/json" : pickRandom(TYPES, random);
  const kind = random();
  if (kind < 0.08) return null;
  if (kind < 0.16) return pickRandom(TEXTS, random);
  if (kind < 0.18) return pickRandom(NESTS, random)();
  if (kind < 0.2) return NOT_UTF8;
  if (kind < 0.35) return JSON.stringify(right);
  if (kind < 0.45) return JSON.stringify(isObject(right) ? { ...SURPLUS, ...right } : SURPLUS);
  return JSON.stringify(spoil(right, random));
}

/** Replaces or removes one value, at any depth. */
function spoil(value: Json, random: Random): Json {
  if (isObject(value) && Object.keys(value).length > 0 && random() < 0.95) {
    const name = pickRandom(Object.keys(value), random);
    const { [name]: inner = null, ...rest } = value;
    return random() < 0.12 ? rest : { ...rest, [name]: spoil(inner, random) };
  }
  if (Array.isArray(value) && value.length > 0 && random() < 0.6) {
    return value.map((item, index) => (index === 0 ? spoil(item, random) : item));
  }
  return random() < 0.94 ? pickRandom(VALUES, random) : pickRandom(LARGE, random)();
}

/** Generates an upload whose file, name or other parts are invalid. */
function formFor(random: Random): FormData {
  const form = new FormData();
  const field = pickRandom(["file", "file", "file", "image", "__proto__"], random);
  form.append(field, new Blob([pickRandom(FILES, random)]), pickRandom(FILE_NAMES, random));
  if (random() < 0.3) form.append("file", "text where a file belongs");
  if (random() < 0.3) form.append("mapping", pickRandom(["{", '{"email":"nope"}', '{"__proto__":"email"}'], random));
  return form;
}
