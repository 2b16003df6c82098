import { SECOND } from "../../lib/clock.ts";
import { type Fields, isFields, toFields, toFieldsList, toText } from "../../lib/json-fields.ts";

// The one call of Chargebee's API that is used: https://apidocs.chargebee.com/docs/api/events#list_events. By fetch, since the
// official client brings 300 other calls.

export interface ChargebeeSite {
  /** `https://<site>.chargebee.com`, or a proxy of it. */
  url: string;
  /** Never logged, and never part of an error. */
  apiKey: string;
}

export interface RetryPolicy {
  /** Limits the time of one attempt. Milliseconds. */
  timeoutMs: number;
  attempts: number;
  /** Waits between attempts. */
  sleep(milliseconds: number): Promise<void>;
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  timeoutMs: 20 * SECOND,
  attempts: 5,
  sleep: (time) => Bun.sleep(time),
};

/** Thrown when Chargebee's API failed. The message is for admins and contains neither the key nor a body. */
export class ChargebeeError extends Error {
  override readonly name = "SiteError";
}

/** Longer than any pause that Chargebee requests (a minute), and short enough for an admin who waits. */
const MAX_RETRY_DELAY_MS = 70 * SECOND;

/** Streams pages of events that occurred after a time, oldest first. */
export async function* listEventsAfter(
  site: ChargebeeSite,
  since: number,
  patience = DEFAULT_RETRY_POLICY,
): AsyncGenerator<Fields[]> {
  let offset: string | null = null;
  do {
    const query = new URLSearchParams({
      limit: "100",
      "sort_by[asc]": "occurred_at",
      "occurred_at[after]": String(Math.floor(since / 1000)),
      ...(offset === null ? {} : { offset }),
    });
    const page = await request(site, `/api/v2/events?${query}`, patience);
    yield toFieldsList(page.list).map(({ event }) => toFields(event));
    const next = toText(page.next_offset);
    // A repeated offset would loop for ever.
    if (next !== null && next === offset) throw new ChargebeeError("Chargebee returned the same page offset twice");
    offset = next;
  } while (offset !== null);
}

async function request(site: ChargebeeSite, path: string, patience: RetryPolicy): Promise<Fields> {
  for (let attempt = 1; ; attempt++) {
    const result = await tryRequest(site, path, patience.timeoutMs);
    if (!(result instanceof Failure)) return result;
    if (!result.isTransient || attempt >= patience.attempts) throw new ChargebeeError(result.message);
    await patience.sleep(Math.min(MAX_RETRY_DELAY_MS, result.retryAfterMs ?? SECOND * 2 ** (attempt - 1)));
  }
}

/** The reason of a failed attempt. */
class Failure {
  constructor(
    readonly message: string,
    /** True when another attempt may succeed. */
    readonly isTransient: boolean,
    readonly retryAfterMs: number | null = null,
  ) {}
}

async function tryRequest(site: ChargebeeSite, path: string, timeout: number): Promise<Fields | Failure> {
  try {
    const response = await fetch(`${site.url}${path}`, {
      headers: {
        accept: "application/json",
        authorization: `Basic ${Buffer.from(`${site.apiKey}:`).toString("base64")}`,
      },
      // A redirect target would receive the key.
      redirect: "error",
      signal: AbortSignal.timeout(timeout),
    });
    if (response.status === 429 || response.status >= 500) {
      const seconds = Number(response.headers.get("retry-after"));
      const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? seconds * SECOND : null;
      await response.body?.cancel();
      return new Failure(`Chargebee answered ${response.status} repeatedly`, true, retryAfterMs);
    }
    if (!response.ok) {
      await response.body?.cancel();
      const hint = response.status === 401 || response.status === 403 ? ": CHARGEBEE_API_KEY was rejected" : "";
      return new Failure(`Chargebee answered ${response.status}${hint}`, false);
    }
    const body: unknown = await response.json();
    return isFields(body) ? body : new Failure("Chargebee answered with an invalid list", false);
  } catch (error) {
    const name = error instanceof Error ? error.name : "Error";
    return new Failure(
      name === "TimeoutError" ? "Chargebee did not answer in time" : "Chargebee cannot be reached",
      true,
    );
  }
}
