import { expect } from "bun:test";
import type { JsonObject } from "../../src/http/json.ts";
import { seededRandom } from "../../src/random.ts";
import { fitting, type Operation, operationsOf } from "./operations.ts";
import type { Service } from "./service.ts";

/** How long any answer may take while the database is away: what is waited for, and this machine's other work. */
const PATIENCE = 10_000;
/** Nothing of the inside, whatever goes wrong. */
export const INSIDE = /postgres:\/\/|Failed query|select .* from|insert into|node_modules|\.ts:\d|ECONN|at async /i;

/** Every operation of the API, in an order that a seed decides. */
export async function everyOperation(service: Service): Promise<Operation[]> {
  const { body } = await service.api<JsonObject>("GET", "/swagger/json");
  const random = seededRandom("outage");
  return operationsOf(body)
    .filter(({ path }) => !path.startsWith("/api/health"))
    .map((operation) => ({ operation, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ operation }) => operation);
}

/** Asks all of them at once, and says what is wrong with the answers: each is a right one, or a 503 in our envelope. */
export async function flawsOf(service: Service, operations: readonly Operation[], token: string): Promise<string[]> {
  const random = seededRandom("bodies");
  const idOf = () => "019a8a3e-5a00-7000-8000-000000000001";
  const flaws = operations.map(async ({ method, path, body }) => {
    const began = performance.now();
    const isJson = body?.type.includes("json");
    const sent = isJson ? { body: fitting(body?.schema, random, idOf) as object } : {};
    const answer = await service.api(method, path.replaceAll(/\{\w+\}/g, idOf()), {
      ...sent,
      token,
      headers: { "idempotency-key": crypto.randomUUID() },
    });
    const told = `${method} ${path}: ${answer.status} ${answer.text.slice(0, 200)}`;
    if (performance.now() - began > PATIENCE) return [`${told} (after ${Math.round(performance.now() - began)} ms)`];
    if (INSIDE.test(answer.text)) return [`${told} (tells of the inside)`];
    if (answer.status < 500) return [];
    const { code, success, requestId } = answer.body as { code?: string; success?: boolean; requestId?: string };
    const isRefusal = answer.status === 503 && code === "UNAVAILABLE" && success === false && requestId;
    return isRefusal && Number(answer.headers.get("retry-after")) > 0 ? [] : [told];
  });
  return (await Promise.all(flaws)).flat();
}

/** The doors of health say so within a second; only the process itself is well. */
export async function expectDatabaseAway(service: Service): Promise<void> {
  const began = performance.now();
  const [app, database, queue] = await Promise.all(
    ["", "/database", "/queue"].map((door) => service.api("GET", `/api/health${door}`)),
  );
  expect([app?.status, database?.status, queue?.status]).toEqual([200, 503, 503]);
  // A second, and what this machine is busy with besides.
  expect(performance.now() - began).toBeLessThan(2_000);
  expect(`${database?.text}${queue?.text}`).not.toMatch(INSIDE);
}
