import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { openStore } from "../../src/db/open.ts";
import { createRefusableStore } from "../../src/db/refusable-store.ts";
import { users } from "../../src/db/schema/identity.ts";
import { BackgroundTasks } from "../../src/lib/background-tasks.ts";
import { type Clock, DAY, VirtualClock } from "../../src/lib/clock.ts";
import { ledgerKey, masterKey, openVault, signer } from "../../src/lib/crypto/secrets.ts";
import { createLog } from "../../src/lib/logger.ts";
import { systemRandom } from "../../src/lib/random.ts";
import { openStorage } from "../../src/lib/storage/open.ts";
import type { Deps } from "../../src/modules/deps.ts";
import { createAdmin } from "../../src/modules/identity/bootstrap-admin.ts";
import { createIdentity } from "../../src/modules/identity/identity.ts";
import { SecurityFindings } from "../../src/modules/security/findings.ts";
import { createApp } from "../../src/server/app.ts";
import { type Config, parseConfig } from "../../src/server/config/config.ts";
import { findInsecureSettings } from "../../src/server/insecure-settings.ts";
import { createApiClientOver, PASSWORD } from "./api-client.ts";
import { createTestDatabase } from "./database.ts";

export interface AppOverrides {
  config?: Partial<Config>;
  clock?: Clock;
  deps?: Partial<Deps>;
}

export type TestApp = Awaited<ReturnType<typeof startApp>>;

/**
 * Starts the API as `serve` composes it, on an empty database. Requests go to the app without a socket, the channel accepts
 * every message, and the log is an array. `close` deletes all of it.
 */
export async function startApp(overrides: AppOverrides = {}) {
  const folder = mkdtempSync(join(tmpdir(), "reprise-app-"));
  const database = await createTestDatabase();
  const clock = overrides.clock ?? new VirtualClock(Date.now());
  const config: Config = {
    ...parseConfig({ DATA_DIR: folder, ...(database.url ? { DATABASE_URL: database.url } : {}) }),
    clientAddressHeader: "x-client-address",
    signUp: "open",
    // Tests advance their clocks by days between two requests of one session.
    sessionIdleMs: 7 * DAY,
    reauthWindowMs: 7 * DAY,
    ...overrides.config,
  };
  const logged: string[] = [];
  const log = createLog("debug", clock, (line) => logged.push(line));
  const secret = masterKey(config.secret, folder);
  const { databaseUrl } = config;
  const ledger = ledgerKey(secret);
  const store = createRefusableStore(
    await openStore({ dataDir: folder, databaseUrl, clock, durability: "off", ledgerKey: ledger }),
  );
  const deps: Deps & { config: Config } = {
    store,
    clock,
    random: systemRandom,
    log,
    vault: openVault(secret),
    signer: signer(secret),
    channel: { send: async () => ({ kind: "accepted", providerId: null }), close: async () => {} },
    files: openStorage(config.s3, join(folder, "files")),
    security: new SecurityFindings(findInsecureSettings(config, [])),
    background: new BackgroundTasks(),
    verifyMailbox: async () => ({ ok: true }),
    sendSystemMail: null,
    wake: () => {},
    redis: null,
    ...overrides.deps,
    config,
  };
  const identity = createIdentity({ store, config, clock, log, secret });

  const app = createApp(deps, identity);

  let visitors = 0;
  let people = 0;
  const {
    api: request,
    signUp,
    signIn,
  } = createApiClientOver(
    (path, sent) => app.handle(requestTo(path, sent)),
    () => `10.0.${++visitors >> 8}.${visitors & 255}`,
  );

  return {
    app,
    store,
    deps,
    identity,
    clock,
    logged,
    request,
    /** Signs a user up and marks their address as verified; returns their token. */
    async signUp(email: string): Promise<string> {
      const token = await signUp(email);
      await store.write((tx) => tx.update(users).set({ emailVerified: true }).where(eq(users.email, email)));
      return token;
    },
    /** Signs a user up without a verified address; returns their token. */
    signUpUnverified: signUp,
    signIn,
    /** Creates another admin; returns their token. */
    async admin(): Promise<string> {
      const email = `admin${++people}@example.com`;
      await createAdmin(store, { email, password: PASSWORD, name: "Admin" });
      return signIn(email);
    },
    /** Listens on a free port of this machine until `close`; returns the URL. */
    listen(): string {
      app.listen({ port: 0, hostname: "127.0.0.1" });
      return `http://127.0.0.1:${app.server?.port}`;
    },
    async close(): Promise<void> {
      await app.server?.stop(true);
      await store.close();
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Builds a request as a client sends it: a socket would have added the length of its body. */
function requestTo(path: string, sent: RequestInit): Request {
  const request = new Request(`http://localhost${path}`, sent);
  if (typeof sent.body === "string") request.headers.set("content-length", String(Buffer.byteLength(sent.body)));
  return request;
}
