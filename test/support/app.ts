import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AnyElysia, Elysia } from "elysia";
import { brandRoutes } from "../../src/brands/routes.ts";
import { type Clock, VirtualClock } from "../../src/clock.ts";
import { type Config, readConfig } from "../../src/config.ts";
import { openStore } from "../../src/db/open.ts";
import type { Deps } from "../../src/deps.ts";
import { openFiles } from "../../src/files/open.ts";
import { guard } from "../../src/http/access.ts";
import { faults } from "../../src/http/faults.ts";
import { idempotency } from "../../src/http/idempotency.ts";
import { createAdmin } from "../../src/identity/claim.ts";
import { createIdentity } from "../../src/identity/identity.ts";
import { identityRoutes } from "../../src/identity/routes.ts";
import { createLog } from "../../src/log.ts";
import { systemRandom } from "../../src/random.ts";
import { masterKey, openVault, signer } from "../../src/secrets.ts";
import { freshDatabase } from "./database.ts";

/** What everybody's password is here. */
export const PASSWORD = "correct horse battery";

export interface Sent {
  body?: unknown;
  /** A session's token. */
  token?: string;
  headers?: Record<string, string>;
}

export interface Answer<Body> {
  status: number;
  headers: Headers;
  body: Body;
  /** The body as it came. */
  text: string;
}

export interface Overrides {
  config?: Partial<Config>;
  clock?: Clock;
  deps?: Partial<Deps>;
  /** Rooms to mount beside identity and brands. */
  rooms?: (deps: Deps) => AnyElysia[];
}

export type TestApp = Awaited<ReturnType<typeof startApp>>;

/**
 * The program without its edges, on an empty database: requests go straight to the app, channels accept everything, and
 * the log is an array. `close` takes all of it away.
 */
export async function startApp(overrides: Overrides = {}) {
  const folder = mkdtempSync(join(tmpdir(), "reprise-app-"));
  const database = await freshDatabase();
  const clock = overrides.clock ?? new VirtualClock(Date.now());
  const config: Config = {
    ...readConfig({ DATA_DIR: folder, ...(database.url ? { DATABASE_URL: database.url } : {}) }),
    clientAddressHeader: "x-client-address",
    ...overrides.config,
  };
  const logged: string[] = [];
  const log = createLog("debug", clock, (line) => logged.push(line));
  const store = await openStore({ dataDir: folder, databaseUrl: config.databaseUrl, clock, durability: "off" });
  const secret = masterKey(config.secret, folder);
  const deps: Deps = {
    config,
    store,
    clock,
    random: systemRandom,
    log,
    vault: openVault(secret),
    signer: signer(secret),
    channel: { send: async () => ({ kind: "accepted", providerId: null }), close: async () => {} },
    files: openFiles(config.s3, join(folder, "files")),
    verifyMailbox: async () => ({ ok: true }),
    wake: () => {},
    redis: null,
    ...overrides.deps,
  };
  const identity = createIdentity({ store, config, clock, log, secret });

  const app: AnyElysia = new Elysia({ normalize: "typebox" });
  app.use(faults(log));
  app.use(guard(identity.identify, () => app.routes));
  app.use(
    idempotency(
      deps,
      () => app.routes,
      (route) => route.endsWith("/import-contacts") || route.endsWith("-image"),
    ),
  );
  app.use(identityRoutes(deps, identity));
  app.use(brandRoutes(deps));
  for (const room of overrides.rooms?.(deps) ?? []) app.use(room);

  let visitors = 0;
  let people = 0;

  /** Each request comes from an address of its own, unless its headers say otherwise. */
  async function request<Body = Record<string, unknown>>(
    method: string,
    path: string,
    { body, token, headers = {} }: Sent = {},
  ): Promise<Answer<Body>> {
    visitors++;
    const response = await app.handle(
      new Request(`http://localhost${path}`, {
        method,
        headers: {
          "x-client-address": `10.0.${visitors >> 8}.${visitors & 255}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    );
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : {} };
  }

  async function tokenFrom(path: string, body: object): Promise<string> {
    const answer = await request<{ token?: string }>("POST", path, { body });
    if (!answer.body.token) throw new Error(`${path} gave no token: ${answer.status} ${answer.text}`);
    return answer.body.token;
  }

  return {
    app,
    store,
    deps,
    identity,
    clock,
    logged,
    request,
    /** Signs somebody up; returns their token. */
    signUp: (email: string) => tokenFrom("/api/auth/sign-up/email", { email, password: PASSWORD, name: "Somebody" }),
    /** Signs somebody in who is here already; returns their token. */
    signIn: (email: string) => tokenFrom("/api/auth/sign-in/email", { email, password: PASSWORD }),
    /** Makes an admin, another one each time; returns their token. */
    async admin(): Promise<string> {
      const email = `admin${++people}@example.com`;
      await createAdmin(store, { email, password: PASSWORD, name: "Admin" });
      return tokenFrom("/api/auth/sign-in/email", { email, password: PASSWORD });
    },
    async close(): Promise<void> {
      await store.close();
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
