import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { JsonObject } from "../src/http/json.ts";
import { type Judge, judgeBy } from "./support/answers.ts";
import { contract, type Fact, nameOf, templateOf } from "./support/contract.ts";
import { badCalls, type Call, type Cast, goodCalls } from "./support/contractCalls.ts";
import { furnish, SIMULATED } from "./support/furnished.ts";
import { missingFields } from "./support/reference.ts";
import { type Service, startService } from "./support/service.ts";

// Every operation of the reference page, really called: what is right is answered in the published form with all of the
// page's fields, and what is wrong by the name of the field that is.

let service: Service;
let judge: Judge;
let cast: Cast;
let admin: string;
let user: string;
let fresh = 0;

beforeAll(async () => {
  service = await startService({ env: SIMULATED });
  judge = judgeBy((await service.api<JsonObject>("GET", "/swagger/json")).body);
  admin = await service.admin();
  const [ann, ben] = [await furnish(service, admin, "ann"), await furnish(service, admin, "ben")];
  user = ann.token;
  const session = await service.api<{ user: { id: string } }>("GET", "/api/auth/session", { token: admin });
  cast = { ann, ben, adminId: session.body.user.id };
}, 60_000);
afterAll(() => service.remove());

interface Refusal extends JsonObject {
  details: { field: string; message: string }[];
}

async function send(fact: Fact, { path = fact.path, query, body }: Call, token: string | null = admin) {
  const search = query === undefined ? "" : `?${new URLSearchParams(query)}`;
  const sent = { ...(token === null ? {} : { token }), ...(body === undefined ? {} : { body }) };
  const answer = await service.api<Refusal>(fact.method, `${path}${search}`, sent);
  const type = answer.headers.get("content-type") ?? "";
  const flaw = judge({ method: fact.method, path: templateOf(fact.path) }, { ...answer, type });
  return { ...answer, flaw };
}

/** The ban that is lifted has to be made first. */
async function callsFor(fact: Fact): Promise<Call[]> {
  if (nameOf(fact) !== "DELETE /api/auth/banned/:id") return goodCalls(cast)[nameOf(fact)]?.(++fresh) ?? [];
  const made = await Promise.all(
    [1, 2].map(async (n) => {
      const body = { email: `lift${++fresh}.${n}@example.com` };
      return (await service.api<{ id: string }>("POST", "/api/auth/banned", { token: admin, body })).body.id;
    }),
  );
  const [first = "", second = ""] = made;
  return [{ body: { id: first } }, { path: `/api/auth/banned/${second}`, body: { id: second } }];
}

const isUpload = (fact: Fact) => fact.path.endsWith("/upload-profile-image");

describe.each(contract.filter((fact) => !isUpload(fact)).map((fact) => [nameOf(fact), fact] as const))(
  "%s",
  (_, fact) => {
    test("answers what is right with 200, in the published form, with the page's fields", async () => {
      const calls = await callsFor(fact);
      expect(calls).not.toEqual([]);
      for (const call of calls) {
        const { status, text, body, flaw } = await send(fact, call);
        expect({ call, status, flaw, ...(status === 200 ? {} : { text }) }).toEqual({ call, status: 200, flaw: null });
        expect(missingFields(fact.response, body)).toEqual([]);
      }
    });

    test("refuses what is wrong by the name of the field", async () => {
      const [good = {}] = await callsFor(fact);
      const wrong: object[] = [];
      for (const { what, field, ...call } of badCalls(fact, good)) {
        const { status, body, text, flaw } = await send(fact, call);
        const named = (body.details ?? []).some((detail) => detail.field.split(/[.[]/)[0] === field);
        if (status !== 422 || !named || flaw !== null) wrong.push({ what, status, flaw, text: text.slice(0, 300) });
      }
      expect(wrong).toEqual([]);
    });

    if (fact.body !== undefined) {
      test.each(["{", '{"a":', "{'a':1}", '{"a":NaN}'])("calls %s malformed", async (body) => {
        const path = fact.path;
        const { status, text } = await service.api(fact.method, path, { token: admin, body });
        expect([status, JSON.parse(text).code]).toEqual([400, "MALFORMED"]);
      });

      test.each(["[]", '"x"', "1", "null"])("takes no %s for an object", async (body) => {
        const { status, text } = await service.api(fact.method, fact.path, { token: admin, body });
        expect([422, 400]).toContain(status);
        expect(JSON.parse(text)).toMatchObject({
          success: false,
          code: expect.any(String),
          requestId: expect.any(String),
        });
      });
    }

    test("is for those it says it is for", async () => {
      const [call = {}] = await callsFor(fact);
      const stranger = await send(fact, call, null);
      expect([stranger.status, stranger.flaw]).toEqual([fact.access === "public" ? 200 : 401, null]);
      if (fact.access !== "admin") return;
      const refused = await send(fact, call, user);
      expect([refused.status, refused.flaw]).toEqual([403, null]);
    });
  },
);
