import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { isObject, type Json, type JsonObject } from "../../src/http/json.ts";
import { seededRandom } from "../../src/lib/random.ts";
import { type ApiOperation, listOperations, pickRandom } from "../support/openapi-operations.ts";
import { createResponseValidator, type ResponseValidator } from "../support/response-validator.ts";
import { SIMULATOR_ENVIRONMENT, seedBrand } from "../support/seed-brand.ts";
import { type Service, startService } from "../support/service.ts";
import { sendRawRequest } from "./raw-http.ts";
import { type FuzzRequest, generateFuzzRequest } from "./request-generator.ts";

// Send random requests to every operation as every caller: no response may be a 5xx, contain internal details, take
// long or differ from its published form. The seed and a request's number determine the request, so that one of a
// hundred thousand can be repeated alone; a library that shrinks its findings would have to repeat what led there.
// Repeat or extend: HOSTILE_SEED=1 HOSTILE_REQUESTS=30000 bun test test/fuzz/hostile-input.e2e.test.ts

const REQUESTS = Number(process.env.HOSTILE_REQUESTS ?? 3000);
const SEED = process.env.HOSTILE_SEED ?? String(Math.floor(Math.random() * 1e9));
/** Greatest time for a response. */
const MAX_RESPONSE_MS = 2_000;
const INTERNAL_DETAILS =
  /\bat \S+ \(\S+:\d+|\.ts:\d+|node_modules|SQLITE_|PostgresError|\bselect\b[^"]*\bfrom\b|\binsert into\b|violates/i;

let service: Service;
let operations: ApiOperation[];
let validate: ResponseValidator;
/** Maps the word before an id in a path to the existing ids. */
const knownIds = new Map([["nothing", ["x", "00000000-0000-7000-8000-000000000000"]]]);

/** A caller. Some requests sign the caller out, ban them or change their password: then the caller signs in again. */
interface Caller {
  name: string;
  token: string | null;
  enter: (() => Promise<string>) | null;
}
let replacements = 0;
function owner(name: string): Caller {
  let current = name;
  const another = () => {
    current = `${name}${++replacements}`;
    return seedOwner(current);
  };
  return { name, token: null, enter: () => service.signIn(`${current}@owners.example`).catch(another) };
}
const stranger: Caller = { name: "a caller without a session", token: null, enter: null };
const impostor: Caller = { name: "a caller with an invalid token", token: "x.y", enter: null };
const ann = owner("ann");
const ben = owner("ben");
const admin: Caller = { name: "an admin", token: null, enter: () => service.admin() };
const callers = [stranger, impostor, ann, ann, ann, ben, ben, admin, admin, admin];

/** Creates a brand with data, whose ids are used in the requests; returns its owner's token. */
async function seedOwner(name: string): Promise<string> {
  const { token, ids } = await seedBrand(service, await service.admin(), name);
  for (const [kind, found] of ids) knownIds.set(kind, [...(knownIds.get(kind) ?? []), ...found]);
  return token;
}

beforeAll(async () => {
  console.log(`hostile input: ${REQUESTS} requests, seed ${SEED}`);
  service = await startService({ env: SIMULATOR_ENVIRONMENT });
  const { body: document } = await service.api<JsonObject>("GET", "/swagger/json");
  operations = listOperations(document);
  validate = createResponseValidator(document);
  for (const name of ["ann", "ben"]) await seedOwner(name);
}, 60_000);
afterAll(() => service.remove());

async function tokenOf(caller: Caller): Promise<string | null> {
  if (caller.token === null && caller.enter !== null) caller.token = await caller.enter();
  return caller.token;
}

/** Returns a token of a new session, because earlier requests may have ended the previous one. */
async function freshTokenOf(caller: Caller): Promise<string | null> {
  caller.token = null;
  return tokenOf(caller);
}

type Sending = Omit<FuzzRequest, "body"> & { body: FuzzRequest["body"] | ReadableStream };

interface Received {
  status: number;
  type: string;
  text: string;
  milliseconds: number;
}

async function send({ method, path, headers, body }: Sending, token: string | null, number: number): Promise<Received> {
  const began = performance.now();
  const response = await fetch(`${service.url}${path}`, {
    method,
    body,
    redirect: "manual",
    headers: {
      ...headers,
      // Use many client addresses, so that the limits for one address do not apply.
      "x-client-address": `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`,
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  const type = response.headers.get("content-type") ?? "";
  return { status: response.status, type, text, milliseconds: performance.now() - began };
}

/** Returns the rule that a response violates, or null. */
function findViolation(received: Received, operation: ApiOperation): string | null {
  const { status, type, text, milliseconds } = received;
  if (milliseconds > MAX_RESPONSE_MS) return `slow (${Math.round(milliseconds)} ms)`;
  if (status >= 500) return "a server error";
  if (INTERNAL_DETAILS.test(text)) return "contains internal details";
  if (status < 400) return validate(operation, received);
  const body: Json = type.includes("json") ? JSON.parse(text) : null;
  const isEnvelope =
    isObject(body) &&
    body.success === false &&
    [body.message, body.code, body.requestId].every((part) => typeof part === "string" && part !== "");
  return isEnvelope ? validate(operation, received) : "not in the common error format";
}

const shown = ({ method, path, headers, body }: FuzzRequest) =>
  `${method} ${path.slice(0, 300)} ${JSON.stringify(headers)} ${typeof body === "string" ? body.slice(0, 300) : body}`;

/** Sends one request. The seed and its number determine everything but the ids. */
async function sendNumbered(number: number): Promise<string[]> {
  const random = seededRandom(`${SEED} ${number}`);
  const operation = operations[number % operations.length];
  if (!operation) return ["the document has no operation"];
  const caller = pickRandom(callers, random);
  const token = await tokenOf(caller);
  const any = [...knownIds.values()].flat();
  const idOf = (kind: string) => pickRandom((random() < 0.85 && knownIds.get(kind)) || any, random);
  const input = generateFuzzRequest(operation, random, idOf);
  const first = await send(input, token, number);
  // Repeat a slow request, because the machine has other work, and `health` may report that.
  const isLate = first.milliseconds > MAX_RESPONSE_MS || first.status === 503;
  const received = isLate ? await send(input, token, number) : first;
  if (received.status === 401 && caller.token !== null && caller.enter !== null) {
    const { status } = await service.api("GET", "/api/auth/session", { token: caller.token });
    if (status !== 200) caller.token = null;
  }
  const violation = findViolation(received, operation);
  if (violation === null) return [];
  return [
    `#${number} as ${caller.name}: ${shown(input)}\n  ${violation}: ${received.status} ${received.text.slice(0, 200)}`,
  ];
}

test(
  "hostile input: no response is a 5xx, slow, malformed or contains internal details",
  async () => {
    const problems: string[] = [];
    let next = 0;
    const worker = async () => {
      for (let number = next++; number < REQUESTS; number = next++) problems.push(...(await sendNumbered(number)));
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    expect(problems).toEqual([]);
  },
  REQUESTS * 100 + 60_000,
);

const many = (length: number, item: unknown) => JSON.stringify(Array.from({ length }, () => item));
describe.each([
  ["/api/auth/sign-in/email", stranger],
  ["/api/contacts", ann],
])("hostile input: large bodies to %s", (path, caller) => {
  let token: string | null;
  beforeAll(async () => {
    token = await freshTokenOf(caller);
  });
  const ask = (body: string | ReadableStream) =>
    send({ method: "POST", path, headers: { "content-type": "application/json" }, body }, token, REQUESTS);

  test.each([
    ["a text", JSON.stringify("x".repeat(9e6))],
    ["a list of numbers", many(4e6, 1)],
    ["a list of objects", many(2e6, {})],
    ["a field that is a text", `{"email":"${"x".repeat(9e6)}"}`],
    ["a field that is a list", `{"email":${many(4e6, 1)},"contacts":${many(2e5, {})}}`],
    ["countless fields", JSON.stringify(Object.fromEntries(Array.from({ length: 3e5 }, (_, n) => [`field${n}`, n])))],
  ])("%s of several megabytes is answered with 413 in time", async (_, body) => {
    const { status, milliseconds } = await ask(body);
    expect(status).toBe(413);
    expect(milliseconds).toBeLessThan(MAX_RESPONSE_MS);
  });

  test("a body above 10 MB or without a length is answered with 413", async () => {
    expect((await ask(JSON.stringify({ email: "x".repeat(11e6) }))).status).toBe(413);
    const inChunks = new ReadableStream({
      async pull(controller) {
        await Bun.sleep(1);
        controller.enqueue("{}");
        controller.close();
      },
    });
    expect((await ask(inChunks)).status).toBe(413);
  });
});

test("hostile input: duplicate headers neither authenticate another caller nor cause a 500", async () => {
  const [token, other] = [await freshTokenOf(ann), await freshTokenOf(ben)];
  const bearer = (value: string | null) => `Authorization: Bearer ${value}`;
  expect(await sendRawRequest(service.url, "GET", "/api/auth/session", [bearer(token)])).toBe(200);
  const twice: [string, string[]][] = [
    ["GET", [bearer(token), bearer(token)]],
    ["GET", [bearer("x.y"), bearer(token)]],
    ["GET", [bearer(token), bearer(other)]],
    ["GET", ["x-api-key: a", "x-api-key: b", "Cookie: a=1", "Cookie: a=2"]],
    ["POST", [bearer(token), "Content-Type: application/json", "Content-Type: text/plain", "Content-Length: 2"]],
    ["POST", [bearer(token), "Content-Type: application/json", "Content-Length: 2", "Content-Length: 2"]],
    ["POST", [bearer(token), "Content-Type: application/json", "Content-Length: 2", "Content-Length: 3"]],
    [
      "POST",
      [
        bearer(token),
        "Content-Type: application/json",
        "Content-Length: 2",
        "Idempotency-Key: a",
        "Idempotency-Key: b",
      ],
    ],
  ];
  for (const [method, lines] of twice) {
    const path = method === "GET" ? "/api/auth/session" : "/api/auth/banned";
    const status = await sendRawRequest(service.url, method, path, lines, method === "GET" ? "" : "{}");
    expect({
      lines,
      isAllowed: (status < 500 && status !== 200) || lines.filter((line) => line === bearer(token)).length === 2,
    }).toEqual({ lines, isAllowed: true });
  }
});

test("hostile input: afterwards the service is healthy, logged no error, and the ledger is correct", async () => {
  expect((await service.api("GET", "/api/health/database")).body).toMatchObject({ status: "OK" });
  expect(service.output().match(/^.*"level":"error".*$/gm)).toBeNull();
  const { exitCode, stdout } = await service.run(["ledger", "verify", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, drifts: [] });
  expect(exitCode).toBe(0);
});
