import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createProbes } from "../../../src/server/probe-routes.ts";
import { startApp, type TestApp } from "../../support/app.ts";

// Each response of each route carries the headers that keep it out of caches and other sites.

setDefaultTimeout(60_000);

const HTTPS = "https://reprise.example.com";
let app: TestApp;
let url: string;
let routes: { method: string; path: string }[];
beforeAll(async () => {
  app = await startApp({ config: { publicUrl: HTTPS } });
  routes = app.app.routes.map(({ method, path }) => ({ method, path }));
  url = app.listen();
});
afterAll(() => app.close());

const REQUIRED = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000",
};
/** Public pages and files that may be cached. */
const KEPT = /^\/swagger/;

function lacking(path: string, headers: Headers): string[] {
  const wrong = Object.entries(REQUIRED).filter(([name, value]) => headers.get(name) !== value);
  const cache = headers.get("cache-control");
  if (cache !== (KEPT.test(path) ? "no-cache" : "no-store")) wrong.push(["cache-control", String(cache)]);
  return wrong.map(([name]) => `${path}: ${name} is ${headers.get(name)}`);
}

async function send(method: string, path: string, headers: Record<string, string> = {}): Promise<Response> {
  const hasBody = !["GET", "HEAD"].includes(method);
  const json = hasBody ? { "content-type": "application/json" } : {};
  return fetch(`${url}${path}`, { method, headers: { ...json, ...headers }, ...(hasBody ? { body: "{}" } : {}) });
}

test("security headers: are on each route for strangers, admins and API keys", async () => {
  const token = await app.admin();
  const made = await app.request<{ key: string }>("POST", "/api/auth/api-keys", { token, body: { name: "k" } });
  const callers = [{}, { "x-api-key": made.body.key }, { authorization: `Bearer ${token}` }];
  const wrong: string[] = [];
  const statuses = new Set<number>();
  // Sign out last, as this ends the session.
  const ordered = routes.toSorted((a, b) => Number(a.path.endsWith("sign-out")) - Number(b.path.endsWith("sign-out")));
  for (const caller of callers) {
    for (const { method, path } of ordered) {
      const response = await send(method === "ALL" ? "GET" : method, path.replace(/:\w+|\*/g, "x"), caller);
      await response.arrayBuffer();
      statuses.add(response.status);
      wrong.push(...lacking(path, response.headers).map((line) => `${method} ${line} (${response.status})`));
    }
  }
  expect(wrong).toEqual([]);
  // The responses must include each kind of status.
  for (const status of [200, 401, 403, 404, 422]) expect(statuses).toContain(status);
});

describe("security headers on requests that no route answers", () => {
  test.each([
    ["GET", "/nothing"],
    ["POST", "/api/nothing"],
    ["HEAD", "/api/health"],
    ["OPTIONS", "/api/brands"],
    ["PUT", "/api/auth/sign-in/email"],
  ])("%s %s: carries all required headers", async (method, path) =>
    expect(lacking(path, (await send(method, path)).headers)).toEqual([]),
  );

  test("body that is no JSON: the 400 carries all required headers", async () => {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${url}/api/auth/sign-in/email`, { method: "POST", headers, body: "{" });
    expect([response.status, ...lacking("/x", response.headers)]).toEqual([400]);
  });
});

test("security headers: a 304 of a Swagger page carries them with Cache-Control: no-cache", async () => {
  const page = await send("GET", "/swagger");
  const again = await send("GET", "/swagger", { "if-none-match": page.headers.get("etag") ?? "" });
  expect([again.status, ...lacking("/swagger", again.headers)]).toEqual([304]);
});

test("security headers: the probes of a process without the API role carry them", async () => {
  const response = await createProbes(app.deps).handle(new Request("http://localhost/api/health"));
  expect(lacking("/api/health", response.headers)).toEqual([]);
});

test("security headers: without HTTPS there is no Strict-Transport-Security", async () => {
  const plain = await startApp({ config: { publicUrl: "http://localhost:3000" } });
  const response = await plain.app.handle(new Request("http://localhost/api/health"));
  expect(response.headers.get("strict-transport-security")).toBeNull();
  expect(response.headers.get("cache-control")).toBe("no-store");
  await plain.close();
});

test("Swagger UI: does not persist the token beyond the tab", async () => {
  const text = await (await send("GET", "/swagger/initializer.js")).text();
  expect(text).toContain("persistAuthorization: false");
  expect(text).not.toMatch(/localStorage|persistAuthorization: true/);
});
