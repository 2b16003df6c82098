import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type ResourceKind, ROUTE_RULES, type RouteRule } from "./matrix.ts";
import { type AuthorizationWorld, createAuthorizationWorld } from "./world.ts";

// Call every route as every kind of caller, with ids that are the caller's own, another owner's or missing.

let fixture: AuthorizationWorld;
beforeAll(async () => {
  fixture = await createAuthorizationWorld();
}, 120_000);
afterAll(() => fixture.close());

const MISSING = "00000000-0000-7000-8000-000000000000";
/** Matches the response of an empty list. */
const EMPTY = /"(data|items|transactions)":\[\]/;
type Whose = "own" | "foreign" | "missing";

/** Names where a request carries an id: in its path, or in a field. */
type Place = "path" | `query.${string}` | `filter.${string}` | `body.${string}`;
function placesOf({ path, query = {}, filter = {}, body = {} }: RouteRule): Place[] {
  const named: Place[] = [
    ...Object.keys(query).map((name): Place => `query.${name}`),
    ...Object.keys(filter).map((name): Place => `filter.${name}`),
    ...Object.keys(body).map((name): Place => `body.${name}`),
  ];
  return path ? ["path", ...named] : named;
}

const describeCall = (name: string, place: string | undefined, whose: string, status: number, text: string) =>
  `${name}, ${whose} ${place ?? ""}: ${status} ${text.slice(0, 150)}`;

let fresh = 0;

/** Sends a request with the ids of `owner`, except at `place`, where the id is missing or belongs to `other`. */
async function ask(name: string, owner: string, caller: Caller, place?: Place, whose: Whose = "own", other = "ann") {
  const row = ROUTE_RULES[name] ?? { access: "admin" };
  const [method = "", template = ""] = name.split(" ");
  const idAt = (here: Place, kind: ResourceKind) => {
    if (here !== place || whose === "own") return fixture.idOf(owner, kind);
    return whose === "missing" ? MISSING : fixture.idOf(other, kind);
  };
  const fill = (where: "query" | "filter" | "body") =>
    Object.entries(row[where] ?? {}).map(([field, kind]) => {
      const id = idAt(`${where}.${field}`, Array.isArray(kind) ? kind[0] : kind);
      return [field, Array.isArray(kind) ? [id] : id] as const;
    });
  const id = row.path ? idAt("path", row.path) : "x";
  // Send the id of a ban in path and body, or in the body alone.
  const isLift = name === "DELETE /api/auth/banned/:id";
  const path = template.replace(/:\w+/, isLift && place === "body.id" ? ":id" : id);
  const same = isLift && place !== "body.id" ? { id } : {};
  const rest = typeof row.rest === "function" ? row.rest(++fresh) : row.rest;
  const named = Object.fromEntries(fill("body"));
  const body = rest || row.body ? { ...rest, ...named, ...same } : undefined;
  const search = [...fill("query"), ...fill("filter")].map(([field, value]) => `${field}=${value}`);
  return fixture.request(method, search.length > 0 ? `${path}?${search.join("&")}` : path, caller, body, row.file);
}

type Caller = Parameters<AuthorizationWorld["request"]>[2];
const names = Object.keys(ROUTE_RULES);
const each = (filter: (row: RouteRule) => boolean) => names.filter((name) => filter(ROUTE_RULES[name] as RouteRule));

test("authorization table: every route has a row with its access level, and every row has a route", () => {
  expect(names.toSorted()).toEqual(fixture.routes.toSorted());
  const access = Object.fromEntries(names.map((name) => [name, ROUTE_RULES[name]?.access]));
  expect(fixture.access).toEqual(access as typeof fixture.access);
});

describe("authorization: access is denied and no data changes", () => {
  let before: string;
  beforeAll(async () => {
    before = await fixture.everything();
  });
  afterAll(async () => expect(await fixture.everything()).toBe(before));

  const guarded = each(({ access }) => access !== "public");

  test.each(["stranger", "revoked session", "expired session", "revoked API key", "banned user"] as const)(
    "guarded routes: a %s gets 401",
    async (who) => {
      const wrong: string[] = [];
      for (const name of guarded) {
        for (const [place, whose] of variantsOf(name)) {
          const { status, text } = await ask(
            name,
            who === "banned user" ? "dan" : "ann",
            fixture.callers[who],
            place,
            whose,
            "ben",
          );
          if (status !== 401) wrong.push(describeCall(name, place, whose, status, text));
        }
      }
      expect(wrong).toEqual([]);
    },
  );

  test.each(["user", "other user", "API key"] as const)("admin routes: a %s gets 403", async (who) => {
    const wrong: string[] = [];
    for (const name of each(({ access }) => access === "admin")) {
      for (const [place, whose] of variantsOf(name)) {
        const { status, text } = await ask(name, "ann", fixture.callers[who], place, whose, "ben");
        if (status !== 403) wrong.push(describeCall(name, place, whose, status, text));
      }
    }
    expect(wrong).toEqual([]);
  });

  test.each([
    ["user", "ann", "ben"],
    ["other user", "ben", "ann"],
    ["API key", "ann", "ben"],
  ] as const)(
    "user routes: a %s who names another owner's id or a missing id gets an error or an empty list",
    async (who, owner, other) => {
      const wrong: string[] = [];
      for (const name of each(({ access }) => access === "user")) {
        const row = ROUTE_RULES[name] as RouteRule;
        for (const [place, whose] of variantsOf(name)) {
          if (place === undefined || whose === "own") continue;
          const isFilter = place.startsWith("filter.");
          const usual = isFilter ? 200 : (row[whose] ?? (place.endsWith(".brandId") ? 403 : 404));
          const expected = who === "API key" && row.byKey ? row.byKey : usual;
          const { status, text } = await ask(name, owner, fixture.callers[who], place, whose, other);
          const isRight = status === expected && (!isFilter || EMPTY.test(text));
          if (!isRight) wrong.push(describeCall(name, place, whose, status, text));
        }
      }
      expect(wrong).toEqual([]);
    },
  );

  test("guarded routes: an admin who names a missing id gets an error or an empty list", async () => {
    const wrong: string[] = [];
    for (const name of each(({ access }) => access !== "public")) {
      const row = ROUTE_RULES[name] as RouteRule;
      for (const place of placesOf(row)) {
        const { status, text } = await ask(name, "carl", fixture.callers.admin, place, "missing");
        const expected = place.startsWith("filter.") ? 200 : (row.adminMissing ?? 404);
        if (status !== expected || (status === 200 && !EMPTY.test(text)))
          wrong.push(describeCall(name, place, "missing", status, text));
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe("authorization: access is granted", () => {
  test.each(["user", "other user", "admin"] as const)(
    "routes open to the caller: a %s who names their own ids gets the expected status",
    async (who) => {
      const owner = { user: "ann", "other user": "ben", admin: "carl" }[who];
      const wrong: string[] = [];
      for (const name of each(({ access }) => access !== "admin" || who === "admin")) {
        const row = ROUTE_RULES[name] as RouteRule;
        const { status, text } = await ask(name, owner, fixture.callers[who]);
        const expected = (who === "admin" ? row.admin : undefined) ?? row.own ?? 200;
        if (status !== expected) wrong.push(describeCall(name, undefined, "own", status, text));
      }
      expect(wrong).toEqual([]);
    },
  );

  test.each(each(({ access }) => access === "public"))(
    "%s is public: callers without valid access get the same status",
    async (name) => {
      for (const who of ["stranger", "revoked session", "banned user", "API key"] as const) {
        const { status } = await ask(name, "dan", fixture.callers[who]);
        expect([who, status]).toEqual([who, ROUTE_RULES[name]?.own ?? 200]);
      }
    },
  );
});

/** Lists the variants of a request: with own ids, and with each id once as another owner's and once as missing. */
function variantsOf(name: string): [Place | undefined, Whose][] {
  const places = placesOf(ROUTE_RULES[name] as RouteRule);
  return [
    [undefined, "own"],
    ...places.flatMap((place): [Place, Whose][] => [
      [place, "foreign"],
      [place, "missing"],
    ]),
  ];
}
