import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { BODY_SETTINGS, type BodySettings, createBodyBudget } from "../../../src/http/middleware/body-budget.ts";
import { createPolicyFinder } from "../../../src/http/route-policies.ts";
import { BackgroundTasks } from "../../../src/lib/background-tasks.ts";
import { createApp } from "../../../src/server/app.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { openPartialRequest, type PartialRequest } from "./partial-request.ts";

// Bodies are limited per route, and none is read before the caller is known to be allowed to send one. The requests are
// written byte by byte, because the test must see responses that arrive before the body is sent.

const QUICK = { timeoutMs: 400, bytesPerSecond: 1_000_000 };
const SMALL = { ...QUICK, budgetBytes: 60_000, clientBudgetBytes: 20_000 };
const JSON_TYPE = "Content-Type: application/json";
const SIGN_IN = "/api/auth/sign-in/email";

let world: TestApp;
let app: ReturnType<typeof createApp>;
let url: string;
/** Serves the same app with a small budget. */
let small: ReturnType<typeof createApp>;
let token: string;
const background = new BackgroundTasks();

beforeAll(async () => {
  world = await startApp();
  const serve = (bodies: BodySettings) => {
    const deps = { ...world.deps, background, config: { ...world.deps.config, bodies } };
    return createApp(deps, world.identity).listen({
      port: 0,
      hostname: "127.0.0.1",
      maxRequestBodySize: 1_100_000_000,
    });
  };
  app = serve({ ...BODY_SETTINGS, ...QUICK });
  small = serve(SMALL);
  url = `http://127.0.0.1:${app.server?.port}`;
  token = await world.signUp("ann@owners.example");
  await world.request("POST", "/api/brands", { token, body: { name: "Northwind" } });
});
afterAll(async () => {
  background.stop();
  await Promise.all([app.stop(true), small.stop(true)]);
  await world.close();
});

const length = (bytes: number) => `Content-Length: ${bytes}`;
const bearer = () => `Authorization: Bearer ${token}`;
const address = (name: string) => `x-client-address: ${name}`;
const hold = (method: string, path: string, ...lines: string[]) =>
  openPartialRequest(url, method, path, [JSON_TYPE, ...lines]);

/** Sends only the head of a request: a response proves that the server has not waited for a body. */
async function answerTo(method: string, path: string, ...lines: string[]): Promise<number> {
  const held = hold(method, path, ...lines);
  const { status } = await held.answer.finally(held.drop);
  return status;
}

/** Lists every route that may have a body, with ids in its path. */
const withBodies = () =>
  app.routes
    .filter(({ method }) => !["GET", "HEAD"].includes(method))
    .map(({ method, path }) => ({ method, route: path, path: path.replace(/:\w+/g, "x") }));

describe("request bodies of callers without a session", () => {
  test("every route that is not public answers 401 before a byte of the body arrives", async () => {
    const planOf = createPolicyFinder(() => app.routes);
    const guarded = withBodies().filter(({ method, route }) => planOf(method, route).access !== "public");
    expect(guarded.length).toBeGreaterThan(50);
    for (const { method, path } of guarded) {
      const lines = [JSON_TYPE, length(2000)];
      expect([method, path, await answerTo(method, path, ...lines)]).toEqual([method, path, 401]);
    }
  });

  test("a large body is refused by every method at paths that end like upload routes", async () => {
    const ends = ["import-contacts", "upload-profile-image", "webhooks/chargebee"];
    const starts = ["campaigns", "contacts", "brands", "email-accounts", "voicemail-accounts", "nowhere/at/all"];
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
      for (const path of starts.flatMap((start) => ends.map((end) => `/api/${start}/${end}`))) {
        const status = await answerTo(method, path, length(60_000_000));
        expect([method, path, [401, 404, 413].includes(status)]).toEqual([method, path, true]);
      }
    }
  });

  test("a chunked upload is refused with 401, or with 413 where the route takes no stream", async () => {
    expect(await answerTo("POST", "/api/campaigns/x/import-contacts", "Transfer-Encoding: chunked")).toBe(401);
    expect(await answerTo("PATCH", "/api/campaigns/import-contacts", "Transfer-Encoding: chunked")).toBe(413);
    expect(await answerTo("POST", SIGN_IN, "Transfer-Encoding: chunked")).toBe(413);
  });
});

describe("request bodies larger than the limit of their route", () => {
  test("every route answers from Content-Length alone, in the common error format with the request id", async () => {
    const planOf = createPolicyFinder(() => app.routes);
    for (const { method, route, path } of withBodies()) {
      const { bodyLimit, access } = planOf(method, route);
      if (bodyLimit === "stream") continue;
      expect(bodyLimit).toBeLessThanOrEqual(
        access === "public" && route !== "/api/webhooks/chargebee" ? 16_384 : 7_000_000,
      );
      const held = hold(method, path, length(bodyLimit + 1), "x-request-id: mine");
      const { status, headers, body: said } = await held.answer;
      const expected = route === "/api/webhooks/chargebee" ? 404 : route.endsWith("-image") ? 401 : 413;
      expect([route, status]).toEqual([route, expected]);
      expect(said).toMatchObject({ success: false, requestId: "mine" });
      expect(headers.get("x-request-id")).toBe("mine");
      held.drop();
    }
  });

  test("the connection is closed after 413, and the rest of the body is not read", async () => {
    const held = hold("POST", SIGN_IN, length(100_000_000));
    expect((await held.answer).headers.get("connection")).toBe("close");
    await held.closed;
  });

  test("the connection stays open after a small body is refused", async () => {
    const answer = await fetch(`${url}/api/contacts`, {
      method: "POST",
      body: "{}",
      headers: { "content-type": "application/json" },
    });
    expect([answer.status, answer.headers.get("connection")]).toEqual([401, null]);
    const wrong = await fetch(`${url}${SIGN_IN}`, {
      method: "POST",
      body: "{}",
      headers: { "content-type": "application/json" },
    });
    expect([wrong.status, wrong.headers.get("connection")]).toEqual([422, null]);
  });
});

describe("request bodies that arrive slowly", () => {
  test("a JSON body that stalls is answered with 408 after the timeout, and its connection is closed", async () => {
    const held = hold("POST", SIGN_IN, length(2000), address("slow"));
    held.write('{"email":');
    const { status, headers, body } = await held.answer;
    expect([status, headers.get("connection"), body.code]).toEqual([408, "close", "TIMEOUT"]);
    await held.closed;
  });

  test("an upload that stalls is answered with 408 after the timeout, and its connection is closed", async () => {
    const made = await fetch(`${url}/api/campaigns`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ name: "June", channels: ["EMAIL"], timezone: "UTC", sendWindows: [] }),
    });
    const { id } = ((await made.json()) as { campaign: { id: string } }).campaign;
    const lines = ["Content-Type: text/csv", length(900_000), bearer()];
    const held = openPartialRequest(url, "POST", `/api/campaigns/${id}/import-contacts`, lines);
    held.write("email\n");
    expect((await held.answer).status).toBe(408);
    await held.closed;
  });
});

describe("request body budget", () => {
  const all: PartialRequest[] = [];
  const at = () => `http://127.0.0.1:${small.server?.port}`;
  const held = async (from: string, bytes: number) => {
    const request = openPartialRequest(at(), "POST", SIGN_IN, [JSON_TYPE, length(bytes), address(from)]);
    all.push(request);
    request.write("{");
    return request;
  };
  const statusOf = (request: PartialRequest) =>
    Promise.race([request.answer.then(({ status }) => status), Bun.sleep(100).then(() => "waits")]);

  test("exceeding a client's share answers 429, exceeding the whole budget 503, signed-in callers have a separate share", async () => {
    const mine = [await held("10.0.0.1", 8000), await held("10.0.0.1", 8000)];
    expect(await Promise.all(mine.map(statusOf))).toEqual(["waits", "waits"]);
    const more = await held("10.0.0.1", 8000);
    const { status, headers, body } = await more.answer;
    expect([status, headers.get("retry-after"), body.code]).toEqual([429, "1", "RATE_LIMITED"]);
    const signedIn = await fetch(`${at()}/api/contacts`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}`, "x-client-address": "10.0.0.1" },
      body: JSON.stringify({ email: "jo@people.example", custom: { note: "x".repeat(900), city: "y".repeat(900) } }),
    });
    expect(signedIn.status).toBe(200);
    const others = [];
    for (let n = 2; n < 7; n++) others.push(await held(`10.0.0.${n}`, 8000));
    const last = await held("10.0.0.9", 8000);
    const refused = await last.answer;
    expect([refused.status, refused.headers.get("retry-after"), refused.body.code]).toEqual([503, "1", "UNAVAILABLE"]);
    // Expect the whole budget back, from dropped connections and from timed-out requests.
    for (const request of all.slice(0, 4)) request.drop();
    await Promise.all(others.map((request) => request.closed));
    const again = await fetch(`${at()}${SIGN_IN}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-client-address": "10.0.0.1" },
      body: JSON.stringify({ email: "unknown@people.example", password: "x".repeat(100) }),
    });
    expect(again.status).toBe(401);
  });

  test("reserved, moved and released bytes are each counted once", () => {
    const budget = createBodyBudget({ budgetBytes: 100, clientBudgetBytes: 60 });
    const one = budget.reserve("a", 50);
    expect(() => budget.reserve("a", 11)).toThrow("Too many request bodies at the same time");
    const two = budget.reserve("b", 50);
    expect(() => budget.reserve("c", 1)).toThrow("Too many request bodies are being received");
    expect(() => one.moveTo("b")).toThrow("Too many request bodies at the same time");
    two.release();
    one.moveTo("b");
    expect(() => budget.reserve("b", 11)).toThrow();
    budget.reserve("a", 50).release();
    one.release();
    one.release();
    one.moveTo("a");
    expect(budget.inUse()).toBe(0);
    expect(BODY_SETTINGS.clientBudgetBytes).toBeLessThan(BODY_SETTINGS.budgetBytes);
  });
});

test("request bodies while the process stops: a waiting request is answered with 503 and its connection is closed", async () => {
  const held = hold("POST", SIGN_IN, length(2000), address("stop"));
  held.write("{");
  await Bun.sleep(50);
  background.stop();
  const { status, body } = await held.answer;
  expect([status, body.code]).toEqual([503, "UNAVAILABLE"]);
  await held.closed;
});
