import { afterAll, beforeAll, expect, test } from "bun:test";
import { isObject, type Json, type JsonObject } from "../src/http/json.ts";
import { seededRandom } from "../src/random.ts";
import { launchCampaign, setUpBrand } from "./support/campaign.ts";
import { type Nonsense, nonsenseFor } from "./support/nonsense.ts";
import { type Operation, operationsOf, pick } from "./support/operations.ts";
import { type Service, startService } from "./support/service.ts";

// Whatever is sent to whichever door by whomever: no answer is a 500, none tells of the inside, none keeps one waiting.
// Replay and more: HOSTILE_SEED=1 HOSTILE_REQUESTS=30000 bun test test/hostileInput.test.ts

const REQUESTS = Number(process.env.HOSTILE_REQUESTS ?? 3000);
const SEED = process.env.HOSTILE_SEED ?? String(Math.floor(Math.random() * 1e9));
/** Milliseconds for an answer; measured twice, because this machine has other things to do. */
const PATIENCE = 2_000;
const INSIDE =
  /\bat \S+ \(\S+:\d+|\.ts:\d+|node_modules|SQLITE_|PostgresError|\bselect\b[^"]*\bfrom\b|\binsert into\b|violates/i;

let service: Service;
let operations: Operation[];
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

/** Opens a brand with something of everything, whose ids go into the requests; returns its owner's token. */
async function fill(name: string): Promise<string> {
  const order = { name, smtpPort: 2525, mailboxes: [`mail@${name}.example`], credits: 50 };
  const brand = await setUpBrand(service, await service.admin(), order);
  const people = [{ email: `jo@${name}.example` }, { email: `al@${name}.example` }];
  const stages = [
    { subject: "Hi", body: "Hello" },
    { body: "And?", delay: { value: 1, unit: "DAYS" as const } },
  ];
  const id = await launchCampaign(brand, { name, stages, people });
  await brand.ask("POST", "/api/campaigns", { name: "A draft" });
  await brand.ask("POST", "/api/auth/banned", { email: `no@${name}.example` });
  await brand.ask("POST", "/api/auth/api-keys", { name: "A key" });
  for (const [kind, list] of Object.entries({
    users: "auth/session",
    brands: "brands",
    "email-accounts": "email-accounts",
    contacts: "contacts",
    campaigns: "campaigns",
    conversations: "campaigns/conversations",
    "outcome-unknown": `campaigns/${id}/messages`,
    banned: "auth/banned",
    "api-keys": "auth/api-keys",
  })) {
    const { text } = await service.api("GET", `/api/${list}`, { token: brand.token });
    const found = [...text.matchAll(/"id":"([\w-]+)"/g)].map(([, id = ""]) => id);
    known.set(kind, [...(known.get(kind) ?? []), ...found]);
  }
  return brand.token;
}

beforeAll(async () => {
  console.log(`hostile input: ${REQUESTS} requests, seed ${SEED}`);
  const env = { CHANNELS: "simulator", CLIENT_ADDRESS_HEADER: "x-client-address", LOG_LEVEL: "error" };
  service = await startService({ env: { ...env, SMTP_ALLOW_PRIVATE_HOSTS: "true" } });
  operations = operationsOf((await service.api<JsonObject>("GET", "/swagger/json")).body);
  for (const name of ["ann", "ben"]) await fill(name);
}, 60_000);
afterAll(() => service.remove());

interface Told {
  status: number;
  type: string;
  text: string;
  milliseconds: number;
}

async function send({ method, path, headers, body }: Nonsense, token: string | null, number: number): Promise<Told> {
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
function flawOf({ status, type, text }: Told, { answers }: Operation): string | null {
  if (status >= 500) return "a failure of ours";
  if (INSIDE.test(text)) return "tells of the inside";
  if (!answers.includes(status)) return "an answer that the description does not mention";
  if (status < 400) return null;
  const body: Json = type.includes("json") ? JSON.parse(text) : null;
  const isEnvelope =
    isObject(body) &&
    body.success === false &&
    [body.message, body.code, body.requestId].every((part) => typeof part === "string" && part !== "");
  return isEnvelope ? null : "not in the form that all refusals have";
}

const shown = ({ method, path, headers, body }: Nonsense) =>
  `${method} ${path.slice(0, 300)} ${JSON.stringify(headers)} ${typeof body === "string" ? body.slice(0, 300) : body}`;

/** One request. The seed and its number decide all of it but the ids. */
async function attack(number: number): Promise<string[]> {
  const random = seededRandom(`${SEED} ${number}`);
  const operation = operations[number % operations.length];
  if (!operation) return ["there is nothing to attack"];
  const caller = pick(callers, random);
  if (caller.token === null && caller.enter !== null) caller.token = await caller.enter();
  const any = [...known.values()].flat();
  const idOf = (kind: string) => pick((random() < 0.85 && known.get(kind)) || any, random);
  const nonsense = nonsenseFor(operation, random, idOf);
  const told = await send(nonsense, caller.token, number);
  if (told.status === 401 && caller.token !== null && caller.enter !== null) {
    const { status } = await service.api("GET", "/api/auth/session", { token: caller.token });
    if (status !== 200) caller.token = null;
  }
  const flaw = flawOf(told, operation);
  const problems = flaw === null ? [] : [`${flaw}: ${told.status} ${told.text.slice(0, 200)}`];
  if (told.milliseconds > PATIENCE) {
    const { milliseconds } = await send(nonsense, caller.token, number);
    if (milliseconds > PATIENCE) problems.push(`slow: ${Math.round(milliseconds)} ms`);
  }
  return problems.map((problem) => `#${number} as ${caller.name}: ${shown(nonsense)}\n  ${problem}`);
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

test("it is well afterwards, and its books balance", async () => {
  expect((await service.api("GET", "/api/health/database")).body).toMatchObject({ status: "OK" });
  expect(service.output()).not.toContain('"level":"error"');
  const { exitCode, stdout } = await service.run(["ledger", "verify", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, drifts: [] });
  expect(exitCode).toBe(0);
});
