import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Everyone, gather } from "./support/everyone.ts";
import { type Kind, ROWS, type Row } from "./support/matrix.ts";

// Who may do what: everybody who might come, at every door, about what is theirs, what is another's and what is not there.

let all: Everyone;
beforeAll(async () => {
  all = await gather();
}, 120_000);
afterAll(() => all.close());

const MISSING = "00000000-0000-7000-8000-000000000000";
/** A list with nothing in it. */
const EMPTY = /"(data|items|transactions)":\[\]/;
type Whose = "own" | "foreign" | "missing";

/** Where a route names something: in its path, or in a field. */
type Place = "path" | `query.${string}` | `filter.${string}` | `body.${string}`;
function placesOf({ path, query = {}, filter = {}, body = {} }: Row): Place[] {
  const named: Place[] = [
    ...Object.keys(query).map((name): Place => `query.${name}`),
    ...Object.keys(filter).map((name): Place => `filter.${name}`),
    ...Object.keys(body).map((name): Place => `body.${name}`),
  ];
  return path ? ["path", ...named] : named;
}

const told = (name: string, place: string | undefined, whose: string, status: number, text: string) =>
  `${name}, ${whose} ${place ?? ""}: ${status} ${text.slice(0, 150)}`;

let fresh = 0;

/** A request that names the things of `owner`, but at `place` those of nobody or of `other`. */
async function ask(name: string, owner: string, caller: Caller, place?: Place, whose: Whose = "own", other = "ann") {
  const row = ROWS[name] ?? { access: "admin" };
  const [method = "", template = ""] = name.split(" ");
  const idAt = (here: Place, kind: Kind) => {
    if (here !== place || whose === "own") return all.idOf(owner, kind);
    return whose === "missing" ? MISSING : all.idOf(other, kind);
  };
  const fill = (where: "query" | "filter" | "body") =>
    Object.entries(row[where] ?? {}).map(([field, kind]) => {
      const id = idAt(`${where}.${field}`, Array.isArray(kind) ? kind[0] : kind);
      return [field, Array.isArray(kind) ? [id] : id] as const;
    });
  const id = row.path ? idAt("path", row.path) : "x";
  // A ban is named in both places, or in the body alone.
  const isLift = name === "DELETE /api/auth/banned/:id";
  const path = template.replace(/:\w+/, isLift && place === "body.id" ? ":id" : id);
  const same = isLift && place !== "body.id" ? { id } : {};
  const rest = typeof row.rest === "function" ? row.rest(++fresh) : row.rest;
  const named = Object.fromEntries(fill("body"));
  const body = rest || row.body ? { ...rest, ...named, ...same } : undefined;
  const search = [...fill("query"), ...fill("filter")].map(([field, value]) => `${field}=${value}`);
  return all.request(method, search.length > 0 ? `${path}?${search.join("&")}` : path, caller, body, row.file);
}

type Caller = Parameters<Everyone["request"]>[2];
const names = Object.keys(ROWS);
const each = (filter: (row: Row) => boolean) => names.filter((name) => filter(ROWS[name] as Row));

test("every route has its row, and every row its route", () => {
  expect(names.toSorted()).toEqual(all.routes.toSorted());
  const access = Object.fromEntries(names.map((name) => [name, ROWS[name]?.access]));
  expect(all.access).toEqual(access as typeof all.access);
});

describe("nothing comes of it, and nothing changes, when", () => {
  let before: string;
  beforeAll(async () => {
    before = await all.everything();
  });
  afterAll(async () => expect(await all.everything()).toBe(before));

  const guarded = each(({ access }) => access !== "public");

  test.each(["stranger", "revoked session", "expired session", "revoked API key", "banned user"] as const)(
    "a %s comes to any door",
    async (who) => {
      const wrong: string[] = [];
      for (const name of guarded) {
        for (const [place, whose] of variantsOf(name)) {
          const { status, text } = await ask(
            name,
            who === "banned user" ? "dan" : "ann",
            all.callers[who],
            place,
            whose,
            "ben",
          );
          if (status !== 401) wrong.push(told(name, place, whose, status, text));
        }
      }
      expect(wrong).toEqual([]);
    },
  );

  test.each(["user", "other user", "API key"] as const)("a %s comes to an admin's door", async (who) => {
    const wrong: string[] = [];
    for (const name of each(({ access }) => access === "admin")) {
      for (const [place, whose] of variantsOf(name)) {
        const { status, text } = await ask(name, "ann", all.callers[who], place, whose, "ben");
        if (status !== 403) wrong.push(told(name, place, whose, status, text));
      }
    }
    expect(wrong).toEqual([]);
  });

  test.each([
    ["user", "ann", "ben"],
    ["other user", "ben", "ann"],
    ["API key", "ann", "ben"],
  ] as const)("a %s names what is another's, or not there", async (who, owner, other) => {
    const wrong: string[] = [];
    for (const name of each(({ access }) => access === "user")) {
      const row = ROWS[name] as Row;
      for (const [place, whose] of variantsOf(name)) {
        if (place === undefined || whose === "own") continue;
        const isFilter = place.startsWith("filter.");
        const usual = isFilter ? 200 : (row[whose] ?? (place.endsWith(".brandId") ? 403 : 404));
        const expected = who === "API key" && row.byKey ? row.byKey : usual;
        const { status, text } = await ask(name, owner, all.callers[who], place, whose, other);
        const isRight = status === expected && (!isFilter || EMPTY.test(text));
        if (!isRight) wrong.push(told(name, place, whose, status, text));
      }
    }
    expect(wrong).toEqual([]);
  });

  test("an admin names what is not there", async () => {
    const wrong: string[] = [];
    for (const name of each(({ access }) => access !== "public")) {
      const row = ROWS[name] as Row;
      for (const place of placesOf(row)) {
        const { status, text } = await ask(name, "carl", all.callers.admin, place, "missing");
        const expected = place.startsWith("filter.") ? 200 : (row.adminMissing ?? 404);
        if (status !== expected || (status === 200 && !EMPTY.test(text)))
          wrong.push(told(name, place, "missing", status, text));
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe("it is answered when", () => {
  test.each(["user", "other user", "admin"] as const)("a %s asks about their own", async (who) => {
    const owner = { user: "ann", "other user": "ben", admin: "carl" }[who];
    const wrong: string[] = [];
    for (const name of each(({ access }) => access !== "admin" || who === "admin")) {
      const row = ROWS[name] as Row;
      const { status, text } = await ask(name, owner, all.callers[who]);
      const expected = (who === "admin" ? row.admin : undefined) ?? row.own ?? 200;
      if (status !== expected) wrong.push(told(name, undefined, "own", status, text));
    }
    expect(wrong).toEqual([]);
  });

  test.each(each(({ access }) => access === "public"))("anybody asks %s", async (name) => {
    for (const who of ["stranger", "revoked session", "banned user", "API key"] as const) {
      const { status } = await ask(name, "dan", all.callers[who]);
      expect([who, status]).toEqual([who, ROWS[name]?.own ?? 200]);
    }
  });
});

/** As they are, and each thing that is named once as another's and once as nothing. */
function variantsOf(name: string): [Place | undefined, Whose][] {
  const places = placesOf(ROWS[name] as Row);
  return [
    [undefined, "own"],
    ...places.flatMap((place): [Place, Whose][] => [
      [place, "foreign"],
      [place, "missing"],
    ]),
  ];
}
