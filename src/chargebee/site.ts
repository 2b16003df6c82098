import { SECOND } from "../clock.ts";
import { type Fields, fieldsIn, isFields, listIn, textIn } from "./fields.ts";

// Chargebee's API, as far as we ask it anything: https://apidocs.chargebee.com/docs/api/events#list_events. By fetch and not
// by the official client: the one call we make does not need its 300 others.

export interface ChargebeeSite {
  /** `https://<site>.chargebee.com`, or what stands before it. */
  url: string;
  /** Never logged, and never part of an error. */
  apiKey: string;
}

export interface Patience {
  /** How long one answer may take. */
  timeout: number;
  attempts: number;
  /** Waits between attempts. */
  sleep(milliseconds: number): Promise<void>;
}

export const PATIENT: Patience = { timeout: 20 * SECOND, attempts: 5, sleep: (time) => Bun.sleep(time) };

/** Chargebee did not answer what was asked. The message is for admins: it holds no key and no body. */
export class SiteError extends Error {
  override readonly name = "SiteError";
}

/** Longer than any pause that Chargebee asks for (a minute), and no longer than an admin waits. */
const LONGEST_PAUSE = 70 * SECOND;

/** Events that occurred after a moment, oldest first, a page at a time. */
export async function* eventsAfter(site: ChargebeeSite, since: number, patience = PATIENT): AsyncGenerator<Fields[]> {
  let offset: string | null = null;
  do {
    const query = new URLSearchParams({
      limit: "100",
      "sort_by[asc]": "occurred_at",
      "occurred_at[after]": String(Math.floor(since / 1000)),
      ...(offset === null ? {} : { offset }),
    });
    const page = await ask(site, `/api/v2/events?${query}`, patience);
    yield listIn(page.list).map(({ event }) => fieldsIn(event));
    const next = textIn(page.next_offset);
    // The same place again would never end.
    if (next !== null && next === offset) throw new SiteError("Chargebee's list of events goes in a circle");
    offset = next;
  } while (offset !== null);
}

async function ask(site: ChargebeeSite, path: string, patience: Patience): Promise<Fields> {
  for (let attempt = 1; ; attempt++) {
    const answer = await attemptOnce(site, path, patience.timeout);
    if (!(answer instanceof Obstacle)) return answer;
    if (!answer.passes || attempt >= patience.attempts) throw new SiteError(answer.what);
    await patience.sleep(Math.min(LONGEST_PAUSE, answer.pause ?? SECOND * 2 ** (attempt - 1)));
  }
}

/** Why an attempt came to nothing. */
class Obstacle {
  constructor(
    readonly what: string,
    /** Whether another attempt may help. */
    readonly passes: boolean,
    readonly pause: number | null = null,
  ) {}
}

async function attemptOnce(site: ChargebeeSite, path: string, timeout: number): Promise<Fields | Obstacle> {
  try {
    const response = await fetch(`${site.url}${path}`, {
      headers: {
        accept: "application/json",
        authorization: `Basic ${Buffer.from(`${site.apiKey}:`).toString("base64")}`,
      },
      // Whoever redirects us would be told the key.
      redirect: "error",
      signal: AbortSignal.timeout(timeout),
    });
    if (response.status === 429 || response.status >= 500) {
      const asked = Number(response.headers.get("retry-after"));
      const pause = Number.isFinite(asked) && asked > 0 ? asked * SECOND : null;
      await response.body?.cancel();
      return new Obstacle(`Chargebee answered ${response.status} again and again`, true, pause);
    }
    if (!response.ok) {
      await response.body?.cancel();
      const hint = response.status === 401 || response.status === 403 ? ": CHARGEBEE_API_KEY is not taken" : "";
      return new Obstacle(`Chargebee answered ${response.status}${hint}`, false);
    }
    const body: unknown = await response.json();
    return isFields(body) ? body : new Obstacle("Chargebee answered something that is no list", false);
  } catch (error) {
    const name = error instanceof Error ? error.name : "Error";
    return new Obstacle(
      name === "TimeoutError" ? "Chargebee did not answer in time" : "Chargebee cannot be reached",
      true,
    );
  }
}
