/** Response times and failures of an honest client. */
export interface ClientReport {
  milliseconds: number[];
  failures: string[];
}

export interface HonestRequest {
  method: string;
  path: string;
  token?: string;
  /** Builds the body of the request with this number. */
  body?: (number: number) => object;
  status: number;
}

const PAUSE_MS = 25;
/** Time after which an honest client gives up. */
const PATIENCE_MS = 30_000;

async function askUntil(url: string, request: HonestRequest, over: number, seen: ClientReport): Promise<void> {
  const { method, path, token, body, status } = request;
  for (let number = 0; performance.now() < over; number++) {
    const from = performance.now();
    try {
      const answer = await fetch(`${url}${path}`, {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body(number)) }),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      const text = await answer.text();
      if (answer.status !== status) seen.failures.push(`${method} ${path}: ${answer.status} ${text.slice(0, 200)}`);
    } catch (error) {
      seen.failures.push(`${method} ${path}: ${error}`);
      await Bun.sleep(200);
    }
    seen.milliseconds.push(performance.now() - from);
    await Bun.sleep(PAUSE_MS);
  }
}

/** Repeats each request in a loop of its own, for so many seconds. */
export async function runHonestClient(url: string, requests: HonestRequest[], seconds: number): Promise<ClientReport> {
  const seen: ClientReport = { milliseconds: [], failures: [] };
  const over = performance.now() + seconds * 1000;
  await Promise.all(requests.map((request) => askUntil(url, request, over, seen)));
  seen.milliseconds.sort((a, b) => a - b);
  return seen;
}

/** Returns the value below which `share` of a sorted list lies. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
