import { getTableName, is, Table } from "drizzle-orm";
import * as brandTables from "../../src/db/schema/brands.ts";
import * as campaignTables from "../../src/db/schema/campaigns.ts";
import * as creditTables from "../../src/db/schema/credits.ts";
import * as identityTables from "../../src/db/schema/identity.ts";
import * as messageTables from "../../src/db/schema/messages.ts";
import * as paymentTables from "../../src/db/schema/payments.ts";
import type { Access } from "../../src/http/route-policies.ts";
import { DAY } from "../../src/lib/clock.ts";
import type { ApiRequest, ApiResponse } from "../support/api-client.ts";
import { startApp } from "../support/app.ts";
import { flag } from "../support/pictures.ts";
import { type SeededBrand, seedBrand } from "../support/seed-brand.ts";
import type { ResourceKind, RouteRule } from "./matrix.ts";

/** Credential headers of a request. */
type Caller = Record<string, string>;

export type AuthorizationWorld = Awaited<ReturnType<typeof createAuthorizationWorld>>;

/** Tables that any authenticated request may change: they record when a credential was last used. */
const OF_ITSELF = new Set(["sessions", "api_keys"]);

/** Starts the app with four seeded brands, of ann, ben, carl and dan, and a credential of every kind of caller. */
export async function createAuthorizationWorld() {
  const app = await startApp({ config: { allowPrivateSmtp: true } });
  const url = app.listen();
  let visitors = 0;

  async function send(
    method: string,
    path: string,
    headers: Caller,
    body?: string | FormData,
  ): Promise<ApiResponse<never>> {
    visitors++;
    const address = { "x-client-address": `10.2.${visitors >> 8}.${visitors & 255}` };
    const init = { method, headers: { ...address, ...headers }, ...(body === undefined ? {} : { body }) };
    const response = await fetch(`${url}${path}`, init);
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : {} } as never;
  }
  const json = { "content-type": "application/json" };
  const bearer = (token: string): Caller => ({ authorization: `Bearer ${token}` });
  const service = {
    api: <Body>(method: string, path: string, { body, token, headers }: ApiRequest = {}) =>
      send(
        method,
        path,
        { ...(body === undefined ? {} : json), ...(token ? bearer(token) : {}), ...headers },
        body === undefined ? undefined : JSON.stringify(body),
      ) as Promise<ApiResponse<Body>>,
    signIn: app.signIn,
  };

  const brands: Record<string, SeededBrand> = {};
  const settle = await app.admin();
  for (const name of ["ann", "ben", "carl", "dan"]) brands[name] = await seedBrand(service, settle, name);
  const brandOf = (name: string) => {
    const brand = brands[name];
    if (!brand) throw new Error(`${name} has no brand`);
    return brand;
  };
  const keyOf = async (token: string) => {
    const { body } = await service.api<{ id: string; key: string }>("POST", "/api/auth/api-keys", {
      token,
      body: { name: "Of the matrix" },
    });
    return body;
  };
  const expired = await app.signIn("ann@owners.example");
  if (!("advance" in app.clock)) throw new Error("time must be ours");
  (app.clock as { advance(by: number): void }).advance(8 * DAY);

  const signedIn = Object.fromEntries(
    await Promise.all(
      ["ann", "ben", "carl", "dan"].map(async (name) => [name, await app.signIn(`${name}@owners.example`)] as const),
    ),
  );
  const tokenOf = (name: string) => signedIn[name] ?? "";
  const admin = await app.admin();
  for (const name of ["ann", "ben", "carl", "dan"]) {
    const form = new FormData();
    form.append("file", new Blob(["email\nimported@x.example\n"]), "people.csv");
    const path = `/api/campaigns/${brandOf(name).campaignId}/import-contacts`;
    const { text } = await send("POST", path, bearer(tokenOf(name)), form);
    brandOf(name).ids.set("import-jobs", [/"(?:jobId|id)":"([\w-]+)"/.exec(text)?.[1] ?? `none: ${text}`]);
    await keyOf(tokenOf(name));
  }
  const ids = brandOf("carl").ids;
  // An admin cannot revoke another user's key: this key is the admin's own.
  ids.set("api-keys", [(await keyOf(admin)).id]);
  for (const name of ["ann", "ben", "carl", "dan"]) {
    const body = { email: `invited.by.${name}@x.example` };
    const invited = await service.api("POST", "/api/auth/admin/invitations", { token: admin, body });
    brandOf(name).ids.set("invitations", [/"id":"([\w-]+)"/.exec(invited.text)?.[1] ?? `none: ${invited.text}`]);
    brandOf(name).ids.set("spare-api-keys", [(await keyOf(admin)).id]);
  }
  /** Creates a second session and returns its id, so that ending it leaves the first. */
  const spareSessionOf = async (email: string, token: string) => {
    await app.signIn(email);
    const { body } = await service.api<{ data: { id: string; current: boolean }[] }>("GET", "/api/auth/sessions", {
      token,
    });
    return body.data.find(({ current }) => !current)?.id ?? "none";
  };
  for (const name of ["ann", "ben", "dan"])
    brandOf(name).ids.set("sessions", [await spareSessionOf(`${name}@owners.example`, tokenOf(name))]);
  const { user: boss } = (await service.api<{ user: { email: string } }>("GET", "/api/auth/session", { token: admin }))
    .body;
  ids.set("sessions", [await spareSessionOf(boss.email, admin)]);
  const anns = await keyOf(tokenOf("ann"));
  const revokedKey = await keyOf(tokenOf("ann"));
  await service.api("DELETE", `/api/auth/api-keys/${revokedKey.id}`, { token: tokenOf("ann") });
  const revoked = await app.signIn("ann@owners.example");
  await service.api("POST", "/api/auth/sign-out", { token: revoked });
  const dan = brandOf("dan").ids.get("users")?.[0];
  await service.api("POST", "/api/auth/admin/ban-user", { token: admin, body: { userId: dan } });

  const tables = [brandTables, campaignTables, creditTables, identityTables, messageTables, paymentTables]
    .flatMap((schema) => Object.values(schema) as unknown[])
    .filter((value) => is(value, Table))
    .filter((table) => !OF_ITSELF.has(getTableName(table)));

  return {
    routes: app.app.routes
      .filter(({ method, path }) => method !== "ALL" && !path.startsWith("/swagger"))
      .map(({ method, path }) => `${method} ${path.replace(/(?<=.)\/$/, "")}`),
    access: Object.fromEntries(
      app.app.routes
        .filter(({ method, path }) => method !== "ALL" && !path.startsWith("/swagger"))
        .map(({ method, path, hooks }) => {
          const { detail } = hooks as { detail?: { access?: Access } };
          return [`${method} ${path.replace(/(?<=.)\/$/, "")}`, detail?.access];
        }),
    ),
    callers: {
      stranger: {},
      "revoked session": bearer(revoked),
      "expired session": bearer(expired),
      "revoked API key": { "x-api-key": revokedKey.key },
      "banned user": bearer(tokenOf("dan")),
      user: bearer(tokenOf("ann")),
      "other user": bearer(tokenOf("ben")),
      "API key": { "x-api-key": anns.key },
      admin: bearer(admin),
    },
    /** Returns the id of a resource of this kind that the owner has. */
    idOf(owner: string, kind: ResourceKind): string {
      const found = brandOf(owner).ids.get(kind === "messages" ? "outcome-unknown" : kind);
      const own = kind === "campaigns" ? brandOf(owner).campaignId : found?.[0];
      if (!own) throw new Error(`${owner} has none of the ${kind}`);
      return own;
    },
    request(method: string, path: string, caller: Caller, body?: object, file?: RouteRule["file"]) {
      if (file === undefined) {
        const sent = body === undefined ? undefined : JSON.stringify(body);
        return send(method, path, { ...caller, ...(sent === undefined ? {} : json) }, sent);
      }
      const form = new FormData();
      const content = file === "image" ? new Blob([flag], { type: "image/png" }) : new Blob(["email\nf@x.example\n"]);
      form.append("file", content, file === "image" ? "me.png" : "people.csv");
      return send(method, path, caller, form);
    },
    /** Returns all rows of all tables as text. */
    async everything(): Promise<string> {
      const all = await Promise.all(
        tables.map(async (table) => {
          const rows = await app.store.read.select().from(table as typeof brandTables.brands);
          return [getTableName(table), ...rows.map((row) => JSON.stringify(row)).sort()].join("\n");
        }),
      );
      return all.join("\n");
    },
    close: () => app.close(),
  };
}
