import { expect } from "bun:test";
import { sql } from "drizzle-orm";
import { DAY, VirtualClock } from "../../../src/lib/clock.ts";
import type { ListedEvent } from "../../../src/modules/chargebee/model.ts";
import { verifyLedger } from "../../../src/modules/credits/verify.ts";
import type { Transaction } from "../../../src/modules/payments/model.ts";
import { startApp } from "../../support/app.ts";
import { type BrandOwner, createBrandOwner, requestAs } from "../../support/brands.ts";
import { waitUntil } from "../../support/servers/temp-server.ts";
import { ChargebeeSite, type Event } from "./fake-site.ts";
import type { Json } from "./resource-shapes.ts";
import { CATALOG } from "./year-fixture.ts";

export const WEBHOOK_PATH = "/api/webhooks/chargebee";
export const ADMIN_PATH = "/api/auth/admin";
export const basicAuth = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
export const WEBHOOK_HEADERS = {
  authorization: basicAuth("chargebee", "let me in"),
  "content-type": "application/json",
};

/** Starts the app with Chargebee's webhook, an admin, and customers that are brands. */
export async function startWebhookApp() {
  const clock = new VirtualClock(Date.UTC(2026, 10, 23, 9));
  let wakes = 0;
  let customers = 0;
  const app = await startApp({
    clock,
    deps: { wake: () => void wakes++ },
  });
  const webhook = { user: "chargebee", password: "let me in" };
  app.deps.config.chargebee = { webhook, site: null, catalog: new Map(CATALOG) };
  let session = { token: await app.admin(), since: clock.now() };
  /** Sends requests as an admin, with a new session for each day of the clock. */
  const boss: BrandOwner["request"] = async (...asked) => {
    if (clock.now() - session.since > DAY)
      session = { token: await app.signIn("admin1@example.com"), since: clock.now() };
    return requestAs(app, session.token)(...asked);
  };

  const post = (body: unknown, headers: Record<string, string> = WEBHOOK_HEADERS) =>
    app.request("POST", WEBHOOK_PATH, { body, headers });
  const list = async (query = "") =>
    (await boss<{ data: ListedEvent[]; nextCursor: string | null }>("GET", `${ADMIN_PATH}/chargebee-events?${query}`))
      .body;
  const shown = async ({ id }: Event) => (await list("limit=100")).data.find((event) => event.id === id);

  return {
    app,
    clock,
    boss,
    post,
    list,
    shown,
    wakes: () => wakes,
    byHand: (statement: string) => app.store.write((tx) => tx.all(sql.raw(statement))),
    async balance(brandId: string) {
      const answer = await boss<{ balance: Record<string, number> }>("GET", `/api/credits?brandId=${brandId}`);
      return answer.body.balance;
    },
    /** Lists stored events, the newest first. */
    async payments(brandId: string) {
      const path = `${ADMIN_PATH}/payments?brandId=${brandId}&limit=100`;
      return (await boss<{ transactions: Transaction[] }>("GET", path)).body.transactions;
    },
    /** Sends the events of a site since the last call to the webhook, and waits until they are processed. */
    async tell(site: ChargebeeSite): Promise<void> {
      for (const event of site.events.splice(0)) {
        expect((await post(event)).status).toBe(200);
        const isWorkedOn = async () => {
          const seen = await shown(event);
          return seen !== undefined && (seen.status !== "unprocessed" || seen.reason !== null);
        };
        await waitUntil("it is worked on", isWorkedOn);
      }
    },
    /** Creates a customer whose meta_data names a new brand; `change` overrides fields. */
    async customer(change: Json = {}): Promise<{ site: ChargebeeSite; owner: BrandOwner }> {
      const name = `c${++customers}`;
      const owner = await createBrandOwner(app, name);
      const meta_data = { brandId: owner.brandId };
      return { owner, site: new ChargebeeSite(`${name}-`, clock.now() / 1000, { meta_data, ...change }) };
    },
    /** Asserts that the ledger verifies. */
    async prove(): Promise<void> {
      expect(await verifyLedger(app.store.read)).toMatchObject({ ok: true });
    },
    close: () => app.close(),
  };
}
export type WebhookApp = Awaited<ReturnType<typeof startWebhookApp>>;
