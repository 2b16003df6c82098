import { expect } from "bun:test";
import { sql } from "drizzle-orm";
import type { ListedEvent } from "../../src/chargebee/model.ts";
import { DAY, VirtualClock } from "../../src/clock.ts";
import { verifyLedger } from "../../src/credits/verify.ts";
import type { Transaction } from "../../src/payments/model.ts";
import { startApp } from "./app.ts";
import { asking, type Owner, openBrand } from "./brands.ts";
import { ChargebeeSite, type Event } from "./chargebee.ts";
import type { Json } from "./chargebeeShapes.ts";
import { CATALOG } from "./chargebeeYear.ts";
import { until } from "./throwaway.ts";

export const HOOK = "/api/webhooks/chargebee";
export const ADMIN = "/api/auth/admin";
export const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
export const RIGHT = { authorization: basic("chargebee", "let me in"), "content-type": "application/json" };

/** Starts the app with Chargebee's webhook, an admin, and customers that are brands. */
export async function startBilling() {
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
  const boss: Owner["request"] = async (...asked) => {
    if (clock.now() - session.since > DAY)
      session = { token: await app.signIn("admin1@example.com"), since: clock.now() };
    return asking(app, session.token)(...asked);
  };

  const post = (body: unknown, headers: Record<string, string> = RIGHT) => app.request("POST", HOOK, { body, headers });
  const list = async (query = "") =>
    (await boss<{ data: ListedEvent[]; nextCursor: string | null }>("GET", `${ADMIN}/chargebee-events?${query}`)).body;
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
      const path = `${ADMIN}/payments?brandId=${brandId}&limit=100`;
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
        await until("it is worked on", isWorkedOn);
      }
    },
    /** Creates a customer whose meta_data names a new brand; `change` overrides fields. */
    async customer(change: Json = {}): Promise<{ site: ChargebeeSite; owner: Owner }> {
      const name = `c${++customers}`;
      const owner = await openBrand(app, name);
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
export type Billing = Awaited<ReturnType<typeof startBilling>>;
