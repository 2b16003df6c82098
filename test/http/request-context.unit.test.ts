import { expect, test } from "bun:test";
import { Elysia } from "elysia";
import { errorHandler } from "../../src/http/middleware/errors.ts";
import { guard } from "../../src/http/middleware/guard.ts";
import { type Principal, requestContext } from "../../src/http/request-context.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { createLog } from "../../src/lib/logger.ts";

const ann: Principal = {
  userId: "u1",
  email: "ann@example.com",
  name: "Ann",
  image: null,
  emailVerified: true,
  role: "user",
  brandId: "b1",
  credential: "session",
  signedInAt: 0,
  sessionId: "s1",
  expiresAt: null,
};

const app: Elysia = new Elysia();
app.use(errorHandler(createLog("error", systemClock, () => {})));
app.use(
  guard(
    async (request) => (request.headers.has("authorization") ? ann : null),
    () => app.routes,
  ),
);
const inner = new Elysia({ prefix: "/inner" })
  .use(requestContext)
  .get("/id", ({ context }) => context.requestId, { detail: { access: "user" } });
app.use(
  new Elysia()
    .use(requestContext)
    .use(inner)
    .get("/who", ({ context }) => context.principal.email, { detail: { access: "user" } })
    .post("/who", ({ context }) => context.principal.email, { detail: { access: "user" } })
    .get("/public", ({ context }) => context.principal.email, { detail: { access: "public" } })
    .get("/scope", ({ context: { scope } }) => scope.kind, { detail: { access: "user" } }),
);

async function ask(path: string, init: RequestInit = { headers: { authorization: "yes" } }) {
  const response = await app.handle(new Request(`http://localhost${path}`, init));
  return { status: response.status, text: await response.text() };
}

test("context: the principal of a guarded route, with and without a body", async () => {
  expect(await ask("/who")).toEqual({ status: 200, text: ann.email });
  const headers = { authorization: "yes", "content-type": "application/json" };
  expect(await ask("/who", { method: "POST", headers, body: "{}" })).toEqual({ status: 200, text: ann.email });
  expect(await ask("/scope")).toEqual({ status: 200, text: "brand" });
});

test("context: reading the principal at a public route is answered 401, also with a credential", async () => {
  expect((await ask("/public", {})).status).toBe(401);
  expect((await ask("/public")).status).toBe(401);
});

test("context: a principal of one request is not seen by the next", async () => {
  await ask("/who");
  expect((await ask("/who", {})).status).toBe(401);
});

test("context: one per request, however deep its plugin is nested", async () => {
  const headers = { authorization: "yes", "x-request-id": "r-1" };
  expect((await ask("/inner/id", { headers })).text).toBe("r-1");
  const [one, other] = await Promise.all([ask("/inner/id"), ask("/inner/id")]);
  expect(one.text).toMatch(/^[0-9a-f-]{36}$/);
  expect(one.text).not.toBe(other.text);
});
