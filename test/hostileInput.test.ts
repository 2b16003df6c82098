import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { isObject, type Json, type JsonObject } from "../src/http/json.ts";
import { seededRandom } from "../src/random.ts";
import { type Judge, judgeBy } from "./support/answers.ts";
import { furnish, SIMULATED } from "./support/furnished.ts";
import { type Nonsense, nonsenseFor } from "./support/nonsense.ts";
import { type Operation, operationsOf, pick } from "./support/operations.ts";
import { sendLines } from "./support/rawHttp.ts";
import { type Service, startService } from "./support/service.ts";

// Whatever is sent to whichever door by whomever: no answer is a 500, none tells of the inside, none keeps one waiting, and
// each has the form that is published for it. The seed and a request's number decide all of it, so that one request of a
// hundred thousand can be sent again alone; a library that shrinks its findings would have to repeat what led there.
// Replay and more: HOSTILE_SEED=1 HOSTILE_REQUESTS=30000 bun test test/hostileInput.test.ts

const REQUESTS = Number(process.env.HOSTILE_REQUESTS ?? 3000);
const SEED = process.env.HOSTILE_SEED ?? String(Math.floor(Math.random() * 1e9));
/** Milliseconds for an answer. */
const PATIENCE = 2_000;
const INSIDE =
  /\bat \S+ \(\S+:\d+|\.ts:\d+|node_modules|SQLITE_|PostgresError|\bselect\b[^"]*\bfrom\b|\binsert into\b|violates/i;

let service: Service;
let operations: Operation[];
let judge: Judge;
/** The ids of what there is, by what stands before them in a path. */
const known = new Map([["nothing", ["x", "00000000-0000-7000-8000-000000000000"]]]);

/** Who asks. Some of what they ask signs them out, bans them or changes their password: then they have to come in again. */
interface Caller {
  name: string;
  token: string | null;
  enter: (() => Promise<string>) | null;
}
let banished = 0;
function owner(name: string): Caller {
  let current = name;
  const another = () => {
    current = `${name}${++banished}`;
    return fill(current);
  };
  return { name, token: null, enter: () => service.signIn(`${current}@owners.example`).catch(another) };
}
const stranger: Caller = { name: "a stranger", token: null, enter: null };
const impostor: Caller = { name: "somebody with a made-up token", token: "x.y", enter: null };
const ann = owner("ann");
const ben = owner("ben");
const admin: Caller = { name: "an admin", token: null, enter: () => service.admin() };
const callers = [stranger, impostor, ann, ann, ann, ben, ben, admin, admin, admin];

/** Furnishes a brand, whose ids go into the requests; returns its owner's token. */
async function fill(name: string): Promise<string> {
  const { token, ids } = await furnish(service, await service.admin(), name);
  for (const [kind, found] of ids) known.set(kind, [...(known.get(kind) ?? []), ...found]);
  return token;
}

beforeAll(async () => {
  console.log(`hostile input: ${REQUESTS} requests, seed ${SEED}`);
  service = await startService({ env: SIMULATED });
  const { body: document } = await service.api<JsonObject>("GET", "/swagger/json");
  operations = operationsOf(document);
  judge = judgeBy(document);
  for (const name of ["ann", "ben"]) await fill(name);
}, 60_000);
afterAll(() => service.remove());

async function tokenOf(caller: Caller): Promise<string | null> {
  if (caller.token === null && caller.enter !== null) caller.token = await caller.enter();
  return caller.token;
}

/** Of a session that the requests before have not ended. */
async function freshTokenOf(caller: Caller): Promise<string | null> {
  caller.token = null;
  return tokenOf(caller);
}

type Sending = Omit<Nonsense, "body"> & { body: Nonsense["body"] | ReadableStream };

interface Told {
  status: number;
  type: string;
  text: string;
  milliseconds: number;
}

async function send({ method, path, headers, body }: Sending, token: string | null, number: number): Promise<Told> {
  const began = performance.now();
  const response = await fetch(`${service.url}${path}`, {
    method,
    body,
    redirect: "manual",
    headers: {
      ...headers,
      // From everywhere, so that the limits for one address do not keep us out.
      "x-client-address": `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`,
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  const type = response.headers.get("content-type") ?? "";
  return { status: response.status, type, text, milliseconds: performance.now() - began };
}

/** What is wrong with an answer; null when nothing is. */
function flawOf(told: Told, operation: Operation): string | null {
  const { status, type, text, milliseconds } = told;
  if (milliseconds > PATIENCE) return `slow (${Math.round(milliseconds)} ms)`;
  if (status >= 500) return "a failure of ours";
  if (INSIDE.test(text)) return "tells of the inside";
  if (status < 400) return judge(operation, told);
  const body: Json = type.includes("json") ? JSON.parse(text) : null;
  const isEnvelope =
    isObject(body) &&
    body.success === false &&
    [body.message, body.code, body.requestId].every((part) => typeof part === "string" && part !== "");
  return isEnvelope ? judge(operation, told) : "not in the form that all refusals have";
}

const shown = ({ method, path, headers, body }: Nonsense) =>
  `${method} ${path.slice(0, 300)} ${JSON.stringify(headers)} ${typeof body === "string" ? body.slice(0, 300) : body}`;

/** One request. The seed and its number decide all of it but the ids. */
async function attack(number: number): Promise<string[]> {
  const random = seededRandom(`${SEED} ${number}`);
  const operation = operations[number % operations.length];
  if (!operation) return ["there is nothing to attack"];
  const caller = pick(callers, random);
  const token = await tokenOf(caller);
  const any = [...known.values()].flat();
  const idOf = (kind: string) => pick((random() < 0.85 && known.get(kind)) || any, random);
  const nonsense = nonsenseFor(operation, random, idOf);
  const first = await send(nonsense, token, number);
  // Asked twice, because this machine has other things to do, and `health` says so.
  const isLate = first.milliseconds > PATIENCE || first.status === 503;
  const told = isLate ? await send(nonsense, token, number) : first;
  if (told.status === 401 && caller.token !== null && caller.enter !== null) {
    const { status } = await service.api("GET", "/api/auth/session", { token: caller.token });
    if (status !== 200) caller.token = null;
  }
  const flaw = flawOf(told, operation);
  if (flaw === null) return [];
  return [`#${number} as ${caller.name}: ${shown(nonsense)}\n  ${flaw}: ${told.status} ${told.text.slice(0, 200)}`];
}

test(
  "no request breaks it",
  async () => {
    const problems: string[] = [];
    let next = 0;
    const attacker = async () => {
      for (let number = next++; number < REQUESTS; number = next++) problems.push(...(await attack(number)));
    };
    await Promise.all([attacker(), attacker(), attacker(), attacker()]);
    expect(problems).toEqual([]);
  },
  REQUESTS * 100 + 60_000,
);

const many = (length: number, item: unknown) => JSON.stringify(Array.from({ length }, () => item));
describe.each([
  ["/api/auth/sign-in/email", stranger],
  ["/api/contacts", ann],
])("%s stands still for nobody", (path, caller) => {
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
  ])("%s of megabytes is refused at once", async (_, body) => {
    const { status, milliseconds } = await ask(body);
    expect(status).toBe(413);
    expect(milliseconds).toBeLessThan(PATIENCE);
  });

  test("what is larger, or has no declared length, is not even read", async () => {
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

test("headers that come twice are no way in, and break nothing", async () => {
  const [token, other] = [await freshTokenOf(ann), await freshTokenOf(ben)];
  const bearer = (value: string | null) => `Authorization: Bearer ${value}`;
  expect(await sendLines(service.url, "GET", "/api/auth/session", [bearer(token)])).toBe(200);
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
    const status = await sendLines(service.url, method, path, lines, method === "GET" ? "" : "{}");
    expect({
      lines,
      isAllowed: (status < 500 && status !== 200) || lines.filter((line) => line === bearer(token)).length === 2,
    }).toEqual({ lines, isAllowed: true });
  }
});

test("it is well afterwards, and its books balance", async () => {
  expect((await service.api("GET", "/api/health/database")).body).toMatchObject({ status: "OK" });
  expect(service.output().match(/^.*"level":"error".*$/gm)).toBeNull();
  const { exitCode, stdout } = await service.run(["ledger", "verify", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, drifts: [] });
  expect(exitCode).toBe(0);
});
