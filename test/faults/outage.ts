import { expect } from "bun:test";
import type { JsonObject } from "../../src/http/json.ts";
import { seededRandom } from "../../src/lib/random.ts";
import { type ApiOperation, listOperations, sampleValue } from "../support/openapi-operations.ts";
import type { Service } from "../support/service.ts";

/** Longest response while the database is unavailable: the service's own waits, and a busy machine. */
const RESPONSE_TIMEOUT_MS = 10_000;
/** Text that no response may contain: SQL, connection strings, stack traces. */
export const INTERNAL_DETAILS =
  /postgres:\/\/|Failed query|select .* from|insert into|node_modules|\.ts:\d|ECONN|at async /i;

/** Returns every operation of the API but health, in a seeded random order. */
export async function listShuffledOperations(service: Service): Promise<ApiOperation[]> {
  const { body } = await service.api<JsonObject>("GET", "/swagger/json");
  const random = seededRandom("outage");
  return listOperations(body)
    .filter(({ path }) => !path.startsWith("/api/health"))
    .map((operation) => ({ operation, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ operation }) => operation);
}

/** Calls all operations at once and returns the bad responses: each must be below 500, or 503 UNAVAILABLE with Retry-After. */
export async function findBadResponses(
  service: Service,
  operations: readonly ApiOperation[],
  token: string,
): Promise<string[]> {
  const random = seededRandom("bodies");
  const idOf = () => "019a8a3e-5a00-7000-8000-000000000001";
  const flaws = operations.map(async ({ method, path, body }) => {
    const began = performance.now();
    const isJson = body?.type.includes("json");
    const sent = isJson ? { body: sampleValue(body?.schema, random, idOf) as object } : {};
    const answer = await service.api(method, path.replaceAll(/\{\w+\}/g, idOf()), {
      ...sent,
      token,
      headers: { "idempotency-key": crypto.randomUUID() },
    });
    const told = `${method} ${path}: ${answer.status} ${answer.text.slice(0, 200)}`;
    if (performance.now() - began > RESPONSE_TIMEOUT_MS)
      return [`${told} (after ${Math.round(performance.now() - began)} ms)`];
    if (INTERNAL_DETAILS.test(answer.text)) return [`${told} (tells of the inside)`];
    if (answer.status < 500) return [];
    const { code, success, requestId } = answer.body as { code?: string; success?: boolean; requestId?: string };
    const isRefusal = answer.status === 503 && code === "UNAVAILABLE" && success === false && requestId;
    return isRefusal && Number(answer.headers.get("retry-after")) > 0 ? [] : [told];
  });
  return (await Promise.all(flaws)).flat();
}

/** Asserts that the health routes report the outage within a second while the process itself is healthy. */
export async function expectDatabaseUnavailable(service: Service): Promise<void> {
  const began = performance.now();
  const [app, database, queue] = await Promise.all(
    ["", "/database", "/queue"].map((path) => service.api("GET", `/api/health${path}`)),
  );
  expect([app?.status, database?.status, queue?.status]).toEqual([200, 503, 503]);
  // One second, and one more for a busy machine.
  expect(performance.now() - began).toBeLessThan(2_000);
  expect(`${database?.text}${queue?.text}`).not.toMatch(INTERNAL_DETAILS);
}
