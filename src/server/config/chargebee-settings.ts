import { parseCatalog } from "../../modules/chargebee/catalog.ts";
import type { ChargebeeSettings } from "../../modules/deps.ts";
import type { EnvironmentParser } from "./environment.ts";

/** Parses CHARGEBEE_*. */
export function parseChargebee(env: EnvironmentParser): ChargebeeSettings {
  const { problems } = env;
  const webhook = env.pair("CHARGEBEE_WEBHOOK_USER", "CHARGEBEE_WEBHOOK_PASSWORD");
  const site = env.pair("CHARGEBEE_SITE", "CHARGEBEE_API_KEY");
  if (site && !/^[a-z0-9-]+$/i.test(site[0])) problems.push("CHARGEBEE_SITE: expected the name before .chargebee.com");
  const apiUrl = env.url("CHARGEBEE_API_URL", ["https:", "http:"]);
  const catalog = parseCatalog(env.text("CHARGEBEE_CREDITS") ?? "{}");
  if (typeof catalog === "string") problems.push(`CHARGEBEE_CREDITS: ${catalog}`);
  return {
    webhook: webhook && { user: webhook[0], password: webhook[1] },
    site: site && { url: apiUrl ?? `https://${site[0]}.chargebee.com`, apiKey: site[1] },
    catalog: typeof catalog === "string" ? new Map() : catalog,
  };
}
