import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { isObject, type Json, type JsonObject } from "../../src/http/json.ts";
import { flag } from "../support/pictures.ts";
import { SOURCE_PROGRAM } from "../support/project-root.ts";
import { cleanEnvironment } from "../support/replica.ts";
import { createResponseValidator } from "../support/response-validator.ts";
import { findFreePort, TempServer, waitUntil } from "../support/servers/temp-server.ts";

// Call every operation of the demo with the example that Swagger UI fills in for "Try it out".

/** Operations whose example cannot succeed, with the expected status and the reason. */
const REFUSED: Record<string, [status: number, why: string]> = {
  "post /api/auth/sign-up/email": [403, "the demo, like every service, is closed until its operator opens sign-up"],
  "post /api/auth/send-verification": [403, "the demo has no system mailbox"],
  "post /api/auth/verify-email": [403, "an example cannot contain a valid link"],
  "post /api/auth/accept-invitation": [403, "an example cannot contain a valid link"],
  "post /api/auth/sign-in/email": [401, "an example cannot contain a valid password"],
  "post /api/auth/claim": [403, "the demo already has its first admin"],
  "post /api/auth/change-password": [422, "an example cannot contain a valid password"],
  "post /api/auth/reauthenticate": [422, "an example cannot contain a valid password"],
  "post /api/auth/admin/replay-chargebee-event": [404, "the demo has no billing provider"],
  "post /api/auth/admin/reconcile-chargebee": [409, "the demo has no billing provider"],
  "post /api/webhooks/chargebee": [404, "the demo has no billing provider"],
  "post /api/campaigns/outcome-unknown/{messageId}/resolve": [409, "in the demo no outcome is unknown"],
};

const home = new TempServer("demo", "pid", "KILL");
const port = findFreePort();
const url = `http://127.0.0.1:${port}`;
let demo: Bun.Subprocess;
let document: JsonObject;
let token: string;

beforeAll(async () => {
  const cwd = join(home.folder, "empty");
  mkdirSync(cwd);
  const printed = join(home.folder, "printed");
  const env = { ...cleanEnvironment(cwd), PORT: String(port), HOST: "127.0.0.1", PUBLIC_URL: url, LOG_LEVEL: "error" };
  const command = [...SOURCE_PROGRAM, "demo"];
  demo = Bun.spawn(command, { cwd, env, stdout: Bun.file(printed), stderr: "inherit" });
  await Bun.write(join(home.folder, "pid"), `${demo.pid}`);
  const said = async () => ((await Bun.file(printed).exists()) ? Bun.file(printed).text() : "");
  await waitUntil("the demo serves", async () => demo.exitCode !== null || (await said()).includes("Ctrl-C"), 60_000);
  const [, password = ""] = /password of both {2}(\S+)/.exec(await said()) ?? [];
  document = (await (await fetch(`${url}/swagger/json`)).json()) as JsonObject;
  const entered = await ask("post", "/api/auth/sign-in/email", { email: "admin@demo.example", password });
  token = String(JSON.parse(entered.text).token);
}, 90_000);
afterAll(async () => {
  demo.kill("SIGKILL");
  await demo.exited;
  await home.remove();
});

async function ask(method: string, path: string, body?: Json | FormData) {
  const isForm = body instanceof FormData;
  const response = await fetch(`${url}${path}`, {
    method: method.toUpperCase(),
    headers: {
      ...(body === undefined || isForm ? {} : { "content-type": "application/json" }),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
  });
  return { status: response.status, type: response.headers.get("content-type") ?? "", text: await response.text() };
}

const entries = (value: Json | undefined): [string, Json][] => (isObject(value) ? Object.entries(value) : []);

/**
 * Builds the request that the page sends: examples of parameters, examples of their schemas, and defaults; then the
 * body's example.
 */
function filledIn(path: string, operation: JsonObject): { path: string; body?: Json | FormData } {
  let filled = path;
  const query = new URLSearchParams();
  for (const parameter of Array.isArray(operation.parameters) ? operation.parameters.filter(isObject) : []) {
    const schema = isObject(parameter.schema) ? parameter.schema : {};
    const shown = Array.isArray(schema.examples) ? schema.examples[0] : undefined;
    const value = parameter.example ?? shown ?? schema.default;
    if (value === undefined) continue;
    if (parameter.in === "path") filled = filled.replace(`{${parameter.name}}`, String(value));
    if (parameter.in === "query") query.set(String(parameter.name), String(value));
  }
  const search = query.size > 0 ? `?${query}` : "";
  const [media] = entries(isObject(operation.requestBody) ? operation.requestBody.content : undefined);
  if (media === undefined) return { path: filled + search };
  const [type, content] = media;
  if (type === "application/json")
    return { path: filled + search, body: isObject(content) ? (content.example ?? {}) : {} };
  const form = new FormData();
  if (path.endsWith("-image")) form.append("file", new Blob([flag], { type: "image/png" }), "me.png");
  else form.append("file", new Blob(["email\nvisitor@example.com\n"]), "visitors.csv");
  return { path: filled + search, body: form };
}

/**
 * Orders the calls: first those that only return data, then those that create and update, then those that delete, then
 * sign-out.
 */
function phaseOf(method: string, path: string): number {
  if (path.endsWith("/sign-out")) return 4;
  if (method === "delete") return 3;
  if (/\/(cancel|archive|remove-contact|add-contacts|import-contacts)$/.test(path)) return 2;
  return method === "get" ? 0 : 1;
}

test("demo: every operation accepts the example that Swagger UI fills in", async () => {
  const validate = createResponseValidator(document);
  const operations = entries(document.paths)
    .flatMap(([path, item]) => entries(item).map(([method, operation]) => ({ path, method, operation })))
    .sort((a, b) => phaseOf(a.method, a.path) - phaseOf(b.method, b.path));
  const wrong: string[] = [];
  for (const { path, method, operation } of operations) {
    if (!isObject(operation)) continue;
    const sent = filledIn(path, operation);
    const answer = await ask(method, sent.path, sent.body);
    const [status] = REFUSED[`${method} ${path}`] ?? [200];
    const isRight = answer.status === status || (status === 200 && answer.status === 202);
    const violation = isRight ? validate({ method, path }, answer) : `${answer.status} ${answer.text.slice(0, 250)}`;
    if (violation !== null) wrong.push(`${method} ${sent.path}: ${violation}`);
  }
  expect(wrong).toEqual([]);
}, 60_000);

test("demo: every list has entries", async () => {
  const lists = entries(document.paths).filter(([path, item]) => isObject(item) && item.get && !path.includes("{"));
  const empty: string[] = [];
  for (const [path, item] of lists) {
    const { text } = await ask("get", filledIn(path, isObject(item) && isObject(item.get) ? item.get : {}).path);
    if (/"(data|items|transactions|accounts|brands|credits)":\[\]/.test(text)) empty.push(path);
  }
  expect(empty).toEqual([]);
});
