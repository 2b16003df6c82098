import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isObject, type Json, type JsonObject } from "../../src/http/json.ts";
import { contract, operationName } from "../support/contract.ts";
import { flag } from "../support/pictures.ts";
import { PROJECT_ROOT } from "../support/project-root.ts";
import { cleanEnvironment } from "../support/replica.ts";
import { type SeededBrand, SIMULATOR_ENVIRONMENT, seedBrand } from "../support/seed-brand.ts";
import { findProgram } from "../support/servers/temp-server.ts";
import { type Service, startService } from "../support/service.ts";
import { type CurlLine, exampleShape, missingFields, parseCurlLines } from "./reference-page.ts";

// Run the curl lines of the reference page, changed only in host and authorization; then again with ids in the empty
// quotes.

const page = await Bun.file(join(PROJECT_ROOT, "test/fixtures/reference.txt")).text();
const lines = parseCurlLines(page);
const folder = mkdtempSync(join(tmpdir(), "reprise-curl-"));

let service: Service;
let admin: string;
let ann: SeededBrand;
let ben: SeededBrand;

beforeAll(async () => {
  service = await startService({ env: SIMULATOR_ENVIRONMENT });
  admin = await service.admin();
  [ann, ben] = [await seedBrand(service, admin, "ann"), await seedBrand(service, admin, "ben")];
}, 60_000);
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await service.remove();
});

interface Answer {
  status: number;
  body: JsonObject;
}

async function run(command: string): Promise<Answer> {
  const shell = ["/bin/sh", "-c", command];
  const child = Bun.spawn(shell, { env: cleanEnvironment(folder), stdout: "pipe", stderr: "inherit" });
  const text = await new Response(child.stdout).text();
  expect(await child.exited).toBe(0);
  const [, body = "", status = ""] = /^([\s\S]*)\n(\d{3})$/.exec(text) ?? [];
  return { status: Number(status), body: JSON.parse(body) };
}

/** Adapts a line to this service and the token of an admin, and prints the status after the body. */
const prepared = (command: string, token = admin) =>
  `${command.replaceAll("http://localhost:3000", service.url)} --header 'Authorization: Bearer ${token}' --silent --show-error --write-out '\\n%{http_code}'`;

async function myId(token: string): Promise<string> {
  return (await service.api<{ user: { id: string } }>("GET", "/api/auth/session", { token })).body.user.id;
}

/** Collects the values for the empty quotes. */
async function filled({ method, path, data }: CurlLine): Promise<Record<string, Json>> {
  const names: Record<string, Json> = {
    accountId: ann.senderIds[0] ?? "",
    accountIds: ann.senderIds,
    brandId: ben.brandId,
    phoneNumber: "+1 202 555 0199",
    twilioAccountSid: `AC${"0123456789abcdef".repeat(2)}`,
    twilioAuthToken: "0123456789abcdef".repeat(2),
    twillioMessagingServiceSid: `MG${"0123456789abcdef".repeat(2)}`,
  };
  if (path.endsWith("/find-user-by-email")) return { email: "ann@owners.example" };
  if (path.endsWith("/edit-profile")) return { name: "Ada", userId: await myId(admin) };
  if (method === "POST" && path === "/api/auth/banned") {
    return { email: "curl@example.com", phone: "+12025550123", reason: "asked by phone" };
  }
  if (method === "DELETE") {
    const sent = { token: admin, body: { email: "lifted@example.com" } };
    return { id: (await service.api<{ id: string }>("POST", "/api/auth/banned", sent)).body.id };
  }
  const wanted = data === null ? {} : (JSON.parse(data) ?? {});
  return Object.fromEntries(Object.entries(names).filter(([name]) => name in wanted));
}

/** Statuses of the lines with empty quotes: not every field may be empty. */
const VERBATIM: Record<string, number> = {
  "POST /api/auth/admin/assign-email-account": 422,
  "POST /api/auth/banned": 422,
  "DELETE /api/auth/banned/:id": 422,
  "POST /api/auth/admin/bulk-assign-email-accounts": 422,
  "POST /api/auth/admin/create-voicemail-account": 422,
  "POST /api/auth/admin/find-user-by-email": 422,
  "POST /api/auth/update-twillio-messaging-service-sid": 422,
  "POST /api/auth/edit-profile": 422,
};

const isUpload = ({ path }: { path: string }) => path.endsWith("/upload-profile-image");
const isEmpty = (value: unknown): boolean => value === "" || (Array.isArray(value) && value.every(isEmpty));
const withQuotes = ({ data }: CurlLine) => Object.values(data === null ? {} : (JSON.parse(data) ?? {})).some(isEmpty);

test("reference page: has one curl line for each operation", () => {
  expect(lines.map(operationName).sort()).toEqual(contract.map(operationName).sort());
  expect(page.match(/^curl /gm)).toHaveLength(lines.length);
});

describe.skipIf(findProgram("curl") === null)("reference page: curl", () => {
  const plain = lines.filter((line) => !isUpload(line));

  test.each(plain.map((line) => [operationName(line), line] as const))(
    "%s: the unchanged line answers as documented",
    async (name, line) => {
      const { status, body } = await run(prepared(line.command));
      const expected = VERBATIM[name] ?? 200;
      expect({ status, body }).toMatchObject({ status: expected });
      if (expected === 200) expect(missingFields(exampleShape(line.answer), body)).toEqual([]);
      else {
        expect(body).toMatchObject({ success: false, code: "INVALID", requestId: expect.any(String) });
        expect(body.details).not.toEqual([]);
      }
    },
  );

  test.each(plain.filter(withQuotes).map((line) => [operationName(line), line] as const))(
    "%s: the line with its empty quotes filled answers 200 as documented",
    async (_, line) => {
      const data = JSON.stringify({ ...JSON.parse(line.data ?? "{}"), ...(await filled(line)) });
      const given = line.path.endsWith("/edit-profile") ? data.replace('"image":"",', "") : data;
      const { status, body } = await run(prepared(line.command.replace(/--data '[^']*'/, `--data '${given}'`)));
      expect({ status, body }).toMatchObject({ status: 200 });
      expect(missingFields(exampleShape(line.answer), body)).toEqual([]);
    },
  );

  describe("POST /api/auth/upload-profile-image", () => {
    const line = lines.find(isUpload);
    const address = () => `${service.url}${line?.path}`;

    test("rejects null as in the unchanged line", async () => {
      const { status, body } = await run(prepared(line?.command ?? ""));
      expect([400, 415, 422]).toContain(status);
      expect(body).toMatchObject({ success: false, message: expect.stringMatching(/file|image|form/i) });
    });

    test.each(["file", "image"])("accepts an image in the form field `%s`", async (field) => {
      const path = join(folder, "me.png");
      await Bun.write(path, flag);
      const { status, body } = await run(prepared(`curl ${address()} --form ${field}=@${path}`));
      expect({ status, body }).toMatchObject({ status: 200 });
      expect(missingFields(exampleShape(line?.answer ?? null), body)).toEqual([]);
      const image = String(isObject(body) ? body.imageUrl : "");
      const served = await fetch(new URL(image, service.url));
      expect([served.status, served.headers.get("content-type")]).toEqual([200, "image/png"]);
    });
  });
});
