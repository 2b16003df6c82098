import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { type AnyElysia, Elysia } from "elysia";
import { BackgroundWork } from "../../src/background.ts";
import { brandRoutes } from "../../src/brands/routes.ts";
import { type Clock, DAY, VirtualClock } from "../../src/clock.ts";
import { type Config, readConfig } from "../../src/config.ts";
import { openStore } from "../../src/db/open.ts";
import { users } from "../../src/db/schema/identity.ts";
import { deletionRoutes } from "../../src/deletion/routes.ts";
import type { Deps } from "../../src/deps.ts";
import { openFiles } from "../../src/files/open.ts";
import { guard } from "../../src/http/access.ts";
import { credentialRules } from "../../src/http/credentialRules.ts";
import { faults } from "../../src/http/faults.ts";
import { idempotency } from "../../src/http/idempotency.ts";
import { inputLimits } from "../../src/http/input-limits.ts";
import { createAdmin } from "../../src/identity/claim.ts";
import { createIdentity } from "../../src/identity/identity.ts";
import { identityRoutes } from "../../src/identity/routes.ts";
import { createLog } from "../../src/log.ts";
import { systemRandom } from "../../src/random.ts";
import { ledgerKey, masterKey, openVault, signer } from "../../src/secrets.ts";
import { SecurityFindings } from "../../src/security/findings.ts";
import { findInsecureSettings } from "../../src/security/settings.ts";
import { freshDatabase } from "./database.ts";
import { doorsThrough, PASSWORD } from "./doors.ts";

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
    signUp: "open",
    // Tests move their clocks by days between two requests of one session.
    sessionIdleMs: 7 * DAY,
    reauthWindowMs: 7 * DAY,
    ...overrides.config,
  };
  const logged: string[] = [];
  const log = createLog("debug", clock, (line) => logged.push(line));
  const secret = masterKey(config.secret, folder);
  const { databaseUrl } = config;
  const store = await openStore({
    dataDir: folder,
    databaseUrl,
    clock,
    durability: "off",
    ledgerKey: ledgerKey(secret),
  });
  const deps: Deps & { config: Config } = {
    store,
    clock,
    random: systemRandom,
    log,
    vault: openVault(secret),
    signer: signer(secret),
    channel: { send: async () => ({ kind: "accepted", providerId: null }), close: async () => {} },
    files: openFiles(config.s3, join(folder, "files")),
    security: new SecurityFindings(findInsecureSettings(config, [])),
    background: new BackgroundWork(),
    verifyMailbox: async () => ({ ok: true }),
    sendSystemMail: null,
    wake: () => {},
    redis: null,
    ...overrides.deps,
    config,
  };
  const identity = createIdentity({ store, config, clock, log, secret });

  const app: AnyElysia = new Elysia({ normalize: "typebox" });
  app.use(faults(log));
  app.use(guard(identity.identify, () => app.routes, credentialRules(deps)));
  app.use(inputLimits(() => app.routes));
  app.use(idempotency(deps, () => app.routes));
  app.use(identityRoutes(deps, identity));
  app.use(brandRoutes(deps));
  app.use(deletionRoutes(deps));
  for (const room of overrides.rooms?.(deps) ?? []) app.use(room);

  let visitors = 0;
  let people = 0;
  const {
    api: request,
    signUp,
    signIn,
  } = doorsThrough(
    (path, sent) => app.handle(new Request(`http://localhost${path}`, sent)),
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
    /** Signs somebody up, for whose address an admin then vouches; returns their token. */
    async signUp(email: string): Promise<string> {
      const token = await signUp(email);
      await store.write((tx) => tx.update(users).set({ emailVerified: true }).where(eq(users.email, email)));
      return token;
    },
    /** Signs somebody up, and leaves their address unverified. */
    signUpUnverified: signUp,
    signIn,
    /** Makes an admin, another one each time; returns their token. */
    async admin(): Promise<string> {
      const email = `admin${++people}@example.com`;
      await createAdmin(store, { email, password: PASSWORD, name: "Admin" });
      return signIn(email);
    },
    async close(): Promise<void> {
      await store.close();
      await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
