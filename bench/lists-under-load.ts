import { type Contender, startContender } from "./contenders/contender.ts";
import { type Servers, startServers } from "./contenders/servers.ts";
import { formatSpread, median, printHeading, printRow, quantile } from "./report.ts";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const PENDING = Number(process.env.BENCH_PENDING ?? 100_000);
const PACED_PER_SECOND = 1000;
/** Time for which lists are requested under each load. */
const DURATION_S = 3;
/** More follow-ups than can be sent in that time. */
const FULL_SPEED_MESSAGES = 40_000;
/** Between two requests, so that the client is no load of its own. */
const PAUSE_MS = 4;
const LISTS = { "follow-ups": "/api/auth/admin/scheduled-follow-ups?limit=20", bans: "/api/auth/banned?limit=20" };

type Load = "idle" | "at 1,000 a second" | "full speed";
const LOADS: Load[] = ["idle", "at 1,000 a second", "full speed"];

interface Opened {
  url: string;
  token: string;
  campaigns: string[];
}

/** Measures lists over HTTP while the same process sends at a fixed rate, at full speed, and not at all. */
export async function benchListsUnderLoad(): Promise<void> {
  const servers = await startServers();
  try {
    await bench("SQLite", startContender("service.ts"));
    if (servers.postgres) await bench("Postgres", await onPostgres(servers.postgres));
  } finally {
    await servers.stop();
  }
}

async function onPostgres(server: NonNullable<Servers["postgres"]>): Promise<Contender> {
  return startContender("service.ts", { DATABASE_URL: await server.url() });
}

async function bench(database: string, service: Contender): Promise<void> {
  printHeading(
    `Lists on ${database} while messages are sent, ms, ${DURATION_S} s of each, ${ROUNDS} alternating rounds`,
  );
  const stages = ROUNDS + 3;
  const paced = { name: "Paced", contacts: PACED_PER_SECOND * (DURATION_S + 1), mailboxes: 20, stages };
  const flat = {
    name: "Flat",
    contacts: database === "SQLite" ? FULL_SPEED_MESSAGES : FULL_SPEED_MESSAGES / 4,
    mailboxes: 20,
    stages,
  };
  const { url, token, campaigns } = await service.request<Opened>("open", { pending: PENDING, plans: [paced, flat] });
  let expected = paced.contacts + flat.contacts;
  const untilSent = async () => {
    while ((await service.request<number>("sent")) < expected) await Bun.sleep(20);
    await Bun.sleep(500);
  };
  await untilSent();
  const measured = new Map<string, { times: number[][]; sent: number[] }>();
  for (let round = 0; round <= ROUNDS; round++) {
    for (const load of LOADS) {
      const at = Date.now() + (load === "idle" ? 0 : 3500);
      if (load !== "idle") {
        const campaignId = load === "full speed" ? campaigns[1] : campaigns[0];
        const perSecond = load === "full speed" ? null : PACED_PER_SECOND;
        expected += await service.request<number>("due", { campaignId, stage: round + 1, at, perSecond });
        await Bun.sleep(Math.max(0, at - Date.now() + 100));
      }
      const before = await service.request<number>("sent");
      const { times, milliseconds } = await timeLists(url, token);
      const sent = (((await service.request<number>("sent")) - before) / milliseconds) * 1000;
      await untilSent();
      // The first round is a warm-up.
      if (round === 0) continue;
      for (const [list, of] of Object.entries(times)) {
        const key = `${list}, ${load}`;
        const soFar = measured.get(key) ?? { times: [], sent: [] };
        soFar.times.push(of);
        soFar.sent.push(sent);
        measured.set(key, soFar);
      }
    }
  }
  for (const [key, { times, sent }] of measured) {
    const at = (share: number) => times.map((of) => quantile(of, share));
    printRow(`${key}, p50`, formatSpread(at(0.5), 2));
    printRow("  p99", formatSpread(at(0.99), 2), key.includes("second") ? "<= 5" : "");
    if (median(sent) > 0) printRow("  messages sent a second meanwhile", formatSpread(sent));
  }
  await service.request("close");
  await service.stop();
}

/** Requests both lists alternately, one request at a time, and returns the milliseconds of each. */
async function timeLists(url: string, token: string) {
  const times: Record<string, number[]> = {};
  const headers = { authorization: `Bearer ${token}` };
  const began = performance.now();
  while (performance.now() - began < DURATION_S * 1000) {
    for (const [list, path] of Object.entries(LISTS)) {
      const started = performance.now();
      const answer = await fetch(`${url}${path}`, { headers });
      await answer.text();
      times[list] = [...(times[list] ?? []), performance.now() - started];
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
      await Bun.sleep(PAUSE_MS);
    }
  }
  return { times, milliseconds: performance.now() - began };
}
