import { expect } from "bun:test";
import type { BrandOwner } from "./brands.ts";

/** Values that a field of any type may be sent. */
const VALUES: unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  "",
  " ",
  "x",
  "\0",
  "a\0b",
  "\ud800",
  "'; drop table contacts; --",
  "%_\\",
  "{{ x | nope }}",
  "{% for a in (1..100000000) %}{{ a }}{% endfor %}",
  "2026-02-31T25:00:00Z",
  "../../etc/passwd",
  [],
  [[]],
  [null],
  ["\0"],
  {},
  { length: 1e9 },
  { toString: "x" },
];

const LONG = "x".repeat(2_000_000);

/** Bodies that `JSON.stringify` would not write. */
const TEXTS = [
  "",
  "null",
  "[]",
  '"x"',
  "1",
  "{",
  '{"a":',
  '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"x":1}}}',
  `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`,
  "[".repeat(50_000) + "]".repeat(50_000),
  "\ufeff{}",
];

function* spoilt(body: object): Generator<unknown> {
  yield { ...body, surplus: "x", another: { deep: [1] } };
  yield JSON.parse(JSON.stringify(body).replace(/^\{/, '{"__proto__":{"polluted":1},"constructor":1,"toString":2,'));
  for (const [name, value] of Object.entries(body)) {
    const { [name]: _, ...rest } = body as Record<string, unknown>;
    yield rest;
    for (const bad of [...VALUES, LONG, Array.from({ length: 3000 }, () => value)]) yield { ...rest, [name]: bad };
    if (Array.isArray(value) && typeof value[0] === "object") {
      for (const inner of spoilt(value[0])) yield { ...rest, [name]: [inner] };
    } else if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      for (const inner of spoilt(value)) yield { ...rest, [name]: inner };
    }
  }
}

/** Sends an endpoint invalid bodies, ids and queries, and asserts that none gives a 500 or shows internals. */
export async function fuzzEndpoint(owner: BrandOwner, method: string, path: string, body?: object): Promise<void> {
  const broken: string[] = [];
  const send = async (to: string, sent?: unknown, headers?: Record<string, string>) => {
    const answer = await owner.request(method, to, sent, headers);
    const shown = typeof sent === "string" ? sent : JSON.stringify(sent);
    if (answer.status >= 500) broken.push(`${answer.status} ${method} ${to.slice(0, 120)} ${shown?.slice(0, 300)}`);
    if (/\bat .*\.ts:|SQLITE_|select .* from/i.test(answer.text))
      broken.push(`tells too much: ${answer.text.slice(0, 300)}`);
  };
  if (body) for (const bad of spoilt(body)) await send(path, bad);
  if (body) for (const text of TEXTS) await send(path, text, { "content-type": "application/json" });
  if (body) await send(path, "name=x", { "content-type": "application/x-www-form-urlencoded" });
  for (const id of ["%00", "x", "__proto__", "..%2f..", "%ed%a0%80", "a".repeat(5000), "%E0%A4%A"]) {
    if (/[0-9a-f-]{36}/.test(path)) await send(path.replace(/[0-9a-f-]{36}/, id), body);
  }
  const cursors = [["\0", "\0"], [1.5, "x"], ["x", "\ud800"], [null, "x"], ["x", "x"], [1e300, "x"], { a: 1 }];
  const texts = ["", "x", "%00", "%ed%a0%80", "-1", "1e9", "__proto__", "%25_%5C", "true", "%7B%7D", "a".repeat(5000)];
  if (method === "GET") {
    for (const name of ["cursor", "limit", "searchQuery", "status", "sortBy", "sortOrder", "brandId"]) {
      for (const text of texts) await send(`${path}?${name}=${text}`);
      await send(`${path}?${name}=a&${name}=b`);
    }
    for (const sortBy of ["createdAt", "name", "launchedAt"]) {
      for (const cursor of cursors) {
        await send(`${path}?sortBy=${sortBy}&cursor=${Buffer.from(JSON.stringify(cursor)).toString("base64url")}`);
      }
    }
  }
  expect(broken).toEqual([]);
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
}
