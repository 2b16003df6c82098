import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createApp } from "../src/app.ts";
import { BackgroundWork } from "../src/background.ts";
import { BODY_SETTINGS, type BodySettings, createBodyBudget } from "../src/http/bodyBudget.ts";
import { routePlans } from "../src/http/routePlans.ts";
import { startApp, type TestApp } from "./support/app.ts";
import { type HeldRequest, holdRequest } from "./support/heldRequest.ts";

// A body is bounded by the route it is for, and nobody's is read before it is known that they may send one. Requests are
// written by hand, because what counts is what is answered before their bodies are there.

const QUICK = { timeoutMs: 400, bytesPerSecond: 1_000_000 };
const SMALL = { ...QUICK, budgetBytes: 60_000, clientBudgetBytes: 20_000 };
const JSON_TYPE = "Content-Type: application/json";
const SIGN_IN = "/api/auth/sign-in/email";

let world: TestApp;
let app: ReturnType<typeof createApp>;
let url: string;
/** The same with a small budget. */
let small: ReturnType<typeof createApp>;
let token: string;
const background = new BackgroundWork();

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
  holdRequest(url, method, path, [JSON_TYPE, ...lines]);

/** Sends a head alone: whoever answers it has not waited for a body. */
async function answerTo(method: string, path: string, ...lines: string[]): Promise<number> {
  const held = hold(method, path, ...lines);
  const { status } = await held.answer.finally(held.drop);
  return status;
}

/** Every route that may have a body, with ids in its path. */
const withBodies = () =>
  app.routes
    .filter(({ method }) => !["GET", "HEAD"].includes(method))
    .map(({ method, path }) => ({ method, route: path, path: path.replace(/:\w+/g, "x") }));

describe("a stranger", () => {
  test("is refused at every route that is not public before a byte of the body is there", async () => {
    const planOf = routePlans(() => app.routes);
    const guarded = withBodies().filter(({ method, route }) => planOf(method, route).access !== "public");
    expect(guarded.length).toBeGreaterThan(50);
    for (const { method, path } of guarded) {
      const lines = [JSON_TYPE, length(2000)];
      expect([method, path, await answerTo(method, path, ...lines)]).toEqual([method, path, 401]);
    }
  });

  test("is refused for a large body by every method at paths that end like those of files", async () => {
    const ends = ["import-contacts", "upload-profile-image", "webhooks/chargebee"];
    const starts = ["campaigns", "contacts", "brands", "email-accounts", "voicemail-accounts", "nowhere/at/all"];
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
      for (const path of starts.flatMap((start) => ends.map((end) => `/api/${start}/${end}`))) {
        const status = await answerTo(method, path, length(60_000_000));
        expect([method, path, [401, 404, 413].includes(status)]).toEqual([method, path, true]);
      }
    }
  });

  test("may not send files in chunks either", async () => {
    expect(await answerTo("POST", "/api/campaigns/x/import-contacts", "Transfer-Encoding: chunked")).toBe(401);
    expect(await answerTo("PATCH", "/api/campaigns/import-contacts", "Transfer-Encoding: chunked")).toBe(413);
    expect(await answerTo("POST", SIGN_IN, "Transfer-Encoding: chunked")).toBe(413);
  });
});

describe("a body that is larger than its route takes", () => {
  test("is refused at every route by what it says of its length, in the form of all errors", async () => {
    const planOf = routePlans(() => app.routes);
    for (const { method, route, path } of withBodies()) {
      const { body, access } = planOf(method, route);
      if (body === "stream") continue;
      expect(body).toBeLessThanOrEqual(access === "public" && route !== "/api/webhooks/chargebee" ? 16_384 : 7_000_000);
      const held = hold(method, path, length(body + 1), "x-request-id: mine");
      const { status, headers, body: said } = await held.answer;
      const expected = route === "/api/webhooks/chargebee" ? 404 : route.endsWith("-image") ? 401 : 413;
      expect([route, status]).toEqual([route, expected]);
      expect(said).toMatchObject({ success: false, requestId: "mine" });
      expect(headers.get("x-request-id")).toBe("mine");
      held.drop();
    }
  });

  test("closes its connection, and the rest is not read", async () => {
    const held = hold("POST", SIGN_IN, length(100_000_000));
    expect((await held.answer).headers.get("connection")).toBe("close");
    await held.closed;
  });

  test("a small one that is refused costs nobody the connection", async () => {
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

describe("a body that comes slowly", () => {
  test("is given up after its time, and its connection closed", async () => {
    const held = hold("POST", SIGN_IN, length(2000), address("slow"));
    held.write('{"email":');
    const { status, headers, body } = await held.answer;
    expect([status, headers.get("connection"), body.code]).toEqual([408, "close", "TIMEOUT"]);
    await held.closed;
  });

  test("a file too: only the time that the client keeps us waiting counts", async () => {
    const made = await fetch(`${url}/api/campaigns`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ name: "June", channels: ["EMAIL"], timezone: "UTC", sendWindows: [] }),
    });
    const { id } = ((await made.json()) as { campaign: { id: string } }).campaign;
    const lines = ["Content-Type: text/csv", length(900_000), bearer()];
    const held = holdRequest(url, "POST", `/api/campaigns/${id}/import-contacts`, lines);
    held.write("email\n");
    expect((await held.answer).status).toBe(408);
    await held.closed;
  });
});

describe("the budget", () => {
  const all: HeldRequest[] = [];
  const at = () => `http://127.0.0.1:${small.server?.port}`;
  const held = async (from: string, bytes: number) => {
    const request = holdRequest(at(), "POST", SIGN_IN, [JSON_TYPE, length(bytes), address(from)]);
    all.push(request);
    request.write("{");
    return request;
  };
  const statusOf = (request: HeldRequest) =>
    Promise.race([request.answer.then(({ status }) => status), Bun.sleep(100).then(() => "waits")]);

  test("bounds a client, then everybody, and never waits; those who are signed in have a share of their own", async () => {
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
    // All of it comes back, from whoever leaves and from whoever is given up.
    for (const request of all.slice(0, 4)) request.drop();
    await Promise.all(others.map((request) => request.closed));
    const again = await fetch(`${at()}${SIGN_IN}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-client-address": "10.0.0.1" },
      body: JSON.stringify({ email: "nobody@people.example", password: "x".repeat(100) }),
    });
    expect(again.status).toBe(401);
  });

  test("counts what is set aside, moved and released, each once", () => {
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

test("nobody waits for a body while the process stops", async () => {
  const held = hold("POST", SIGN_IN, length(2000), address("stop"));
  held.write("{");
  await Bun.sleep(50);
  background.stop();
  const { status, body } = await held.answer;
  expect([status, body.code]).toEqual([503, "UNAVAILABLE"]);
  await held.closed;
});
