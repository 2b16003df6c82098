import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { JsonObject } from "../../src/http/json.ts";
import { type ContractOperation, contract, openApiPath, operationName } from "../support/contract.ts";
import { createResponseValidator, type ResponseValidator } from "../support/response-validator.ts";
import { SIMULATOR_ENVIRONMENT, seedBrand } from "../support/seed-brand.ts";
import { type Service, startService } from "../support/service.ts";
import { type Call, type CallContext, invalidCalls, validCalls } from "./contract-calls.ts";
import { missingFields } from "./reference-page.ts";

// Call every operation of the reference contract: valid calls get the published form with all fields of the contract,
// invalid calls get an error that names the invalid field.

let service: Service;
let validate: ResponseValidator;
let fixture: CallContext;
let admin: string;
let user: string;
let fresh = 0;

beforeAll(async () => {
  service = await startService({ env: SIMULATOR_ENVIRONMENT });
  validate = createResponseValidator((await service.api<JsonObject>("GET", "/swagger/json")).body);
  admin = await service.admin();
  const [ann, ben] = [await seedBrand(service, admin, "ann"), await seedBrand(service, admin, "ben")];
  user = ann.token;
  const session = await service.api<{ user: { id: string } }>("GET", "/api/auth/session", { token: admin });
  fixture = { ann, ben, adminId: session.body.user.id };
}, 60_000);
afterAll(() => service.remove());

interface ErrorBody extends JsonObject {
  details: { field: string; message: string }[];
}

async function send(fact: ContractOperation, { path = fact.path, query, body }: Call, token: string | null = admin) {
  const search = query === undefined ? "" : `?${new URLSearchParams(query)}`;
  const sent = { ...(token === null ? {} : { token }), ...(body === undefined ? {} : { body }) };
  const answer = await service.api<ErrorBody>(fact.method, `${path}${search}`, sent);
  const type = answer.headers.get("content-type") ?? "";
  const violation = validate({ method: fact.method, path: openApiPath(fact.path) }, { ...answer, type });
  return { ...answer, violation };
}

/** Returns valid calls of an operation. For the deletion of a ban, creates the bans first. */
async function callsFor(fact: ContractOperation): Promise<Call[]> {
  if (operationName(fact) !== "DELETE /api/auth/banned/:id")
    return validCalls(fixture)[operationName(fact)]?.(++fresh) ?? [];
  const made = await Promise.all(
    [1, 2].map(async (n) => {
      const body = { email: `lift${++fresh}.${n}@example.com` };
      return (await service.api<{ id: string }>("POST", "/api/auth/banned", { token: admin, body })).body.id;
    }),
  );
  const [first = "", second = ""] = made;
  return [{ body: { id: first } }, { path: `/api/auth/banned/${second}`, body: { id: second } }];
}

const isUpload = (fact: ContractOperation) => fact.path.endsWith("/upload-profile-image");

describe.each(contract.filter((fact) => !isUpload(fact)).map((fact) => [operationName(fact), fact] as const))(
  "reference contract: %s",
  (_, fact) => {
    test("valid calls get 200 in the published form with every field of the contract", async () => {
      const calls = await callsFor(fact);
      expect(calls).not.toEqual([]);
      for (const call of calls) {
        const { status, text, body, violation } = await send(fact, call);
        expect({ call, status, violation, ...(status === 200 ? {} : { text }) }).toEqual({
          call,
          status: 200,
          violation: null,
        });
        expect(missingFields(fact.response, body)).toEqual([]);
      }
    });

    test("invalid calls get 422 with the name of the invalid field", async () => {
      const [good = {}] = await callsFor(fact);
      const wrong: object[] = [];
      for (const { what, field, ...call } of invalidCalls(fact, good)) {
        const { status, body, text, violation } = await send(fact, call);
        const named = (body.details ?? []).some((detail) => detail.field.split(/[.[]/)[0] === field);
        if (status !== 422 || !named || violation !== null)
          wrong.push({ what, status, violation, text: text.slice(0, 300) });
      }
      expect(wrong).toEqual([]);
    });

    if (fact.body !== undefined) {
      test.each(["{", '{"a":', "{'a':1}", '{"a":NaN}'])("the body %s gets 400 MALFORMED", async (body) => {
        const path = fact.path;
        const { status, text } = await service.api(fact.method, path, { token: admin, body });
        expect([status, JSON.parse(text).code]).toEqual([400, "MALFORMED"]);
      });

      test.each(["[]", '"x"', "1", "null"])(
        "the body %s, which is no object, gets 422 or 400 in the common error format",
        async (body) => {
          const { status, text } = await service.api(fact.method, fact.path, { token: admin, body });
          expect([422, 400]).toContain(status);
          expect(JSON.parse(text)).toMatchObject({
            success: false,
            code: expect.any(String),
            requestId: expect.any(String),
          });
        },
      );
    }

    test("calls without a session get 401 unless the operation is public, and users get 403 from admin operations", async () => {
      const [call = {}] = await callsFor(fact);
      const stranger = await send(fact, call, null);
      expect([stranger.status, stranger.violation]).toEqual([fact.access === "public" ? 200 : 401, null]);
      if (fact.access !== "admin") return;
      const refused = await send(fact, call, user);
      expect([refused.status, refused.violation]).toEqual([403, null]);
    });
  },
);
