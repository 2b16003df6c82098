import type { Catalog } from "../../../src/modules/chargebee/catalog.ts";
import { ChargebeeSite, type Event } from "./fake-site.ts";

const DAY = 86_400;
/** Months of 30 days. */
const MONTH = 30 * DAY;
export const YEAR_STARTS_AT_SECONDS = Date.UTC(2026, 0, 1) / 1000;
export const YEAR_ENDS_AT_MS = (YEAR_STARTS_AT_SECONDS + 13 * MONTH) * 1000;
/** Time at which a part of the second pack is used: half a month after its purchase. */
export const CREDITS_USED_AT_MS = (YEAR_STARTS_AT_SECONDS + 7.5 * MONTH) * 1000;

export const CATALOG: Catalog = new Map([
  ["gold-USD-monthly", { credits: 1_000_000, planName: "Gold" }],
  ["pack-USD", { credits: 500_000 }],
]);

export interface YearOfEvents {
  /** Events in the order in which they occurred. */
  events: Event[];
  customerId: string;
}

/**
 * Builds a year of one customer: a subscription, 12 renewals of which one is paid at the second attempt and one is voided,
 * and two packs, of which the second is refunded in part after some of it was used.
 */
export function buildYear(prefix: string, brandId: string): YearOfEvents {
  const site = new ChargebeeSite(prefix, YEAR_STARTS_AT_SECONDS, { meta_data: { brandId } });
  site.emit("customer_created", { customer: site.customer });
  const subscription = `${prefix}sub`;
  const plan = { lines: [{ item: "gold-USD-monthly", amount: 4999 }], subscription };
  const pack = { lines: [{ item: "pack-USD", amount: 1999, type: "charge_item_price" as const }] };
  site.pay(site.invoice(plan, "subscription_created"));
  for (let month = 1; month <= 12; month++) {
    site.now = YEAR_STARTS_AT_SECONDS + month * MONTH;
    const invoice = site.invoice(plan, "subscription_renewed");
    if (month === 4) {
      site.fail(invoice);
      site.now += 3 * DAY;
    }
    site.pay(invoice);
    if (month === 10) {
      site.now += 2 * DAY;
      site.void(invoice);
    }
    if (month === 2) {
      site.now += 5 * DAY;
      site.pay(site.invoice(pack));
    }
    if (month !== 7) continue;
    site.now += DAY;
    const bought = site.invoice(pack);
    site.pay(bought);
    site.now = CREDITS_USED_AT_MS / 1000 + DAY;
    site.refund(bought, 777);
  }
  return { events: site.events, customerId: String(site.customer.id) };
}
