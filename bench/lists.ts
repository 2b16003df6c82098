import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dialect } from "../src/db/dialect.ts";
import { findPostgres, startPostgres } from "../test/support/servers/postgres.ts";
import { type Service, startService } from "../test/support/service.ts";
import { fillDatabase, type Sizes } from "./lists/fill.ts";
import { formatSpread, median, printHeading, printRow, quantile } from "./report.ts";

const SMALL: Sizes = { followUps: 10_000, bans: 10_000, brands: 10_000 };
const LARGE: Sizes = { followUps: 1_000_000, bans: 1_000_000, brands: 100_000 };
const REQUESTS = 100;
const ROUNDS = 7;
const CONNECTIONS = 16;

const FOLLOW_UPS = "/api/auth/admin/scheduled-follow-ups";
const BANS = "/api/auth/banned";

interface Platform extends Sizes {
  service: Service;
  token: string;
  dataDir: string;
}

interface ListRequest {
  path: string;
  body?: object;
}

/** Every list for admins: its first, middle and last page, and other orders of the same rows. */
const lists: Record<string, (platform: Platform) => Promise<ListRequest> | ListRequest> = {
  "follow-ups, first page": () => ({ path: FOLLOW_UPS }),
  "follow-ups, middle page": ({ followUps }) => ({ path: `${FOLLOW_UPS}?page=${followUps / 40}` }),
  "follow-ups, last page": ({ followUps }) => ({ path: `${FOLLOW_UPS}?page=${followUps / 20}` }),
  "follow-ups sent, first page": () => ({ path: `${FOLLOW_UPS}?status=SENT` }),
  "follow-ups sent, middle page": ({ followUps }) => ({ path: `${FOLLOW_UPS}?status=SENT&page=${followUps / 80}` }),
  "follow-ups failed, middle page": ({ followUps }) => ({
    path: `${FOLLOW_UPS}?status=FAILED&page=${Math.ceil(followUps / 8000)}`,
  }),
  "bans, first page": () => ({ path: BANS }),
  "bans, middle page": (platform) => getMiddlePage(platform, "createdAt", "desc"),
  "bans, last page": () => ({ path: `${BANS}?sortOrder=asc` }),
  "bans by e-mail, first page": () => ({ path: `${BANS}?sortBy=email&sortOrder=asc` }),
  "bans by e-mail, middle page": (platform) => getMiddlePage(platform, "email", "asc"),
  "brands, first page": () => ({ path: "/api/auth/admin/brands", body: {} }),
  "brands, middle page": ({ brands }) => ({ path: "/api/auth/admin/brands", body: { offset: brands / 2 } }),
  "brands, last page": ({ brands }) => ({ path: "/api/auth/admin/brands", body: { offset: brands - 10 } }),
  "credits, first page": () => ({ path: "/api/auth/admin/all-credits", body: {} }),
  "credits, last page": ({ brands }) => ({ path: "/api/auth/admin/all-credits", body: { page: brands / 10 } }),
};

/** Builds a cursor that points to the middle of the list, which a client could not do. */
async function getMiddlePage(
  { service, token, bans }: Platform,
  sortBy: string,
  sortOrder: string,
): Promise<ListRequest> {
  const first = await service.api<{ data: { createdAt: string }[] }>("GET", BANS, { token });
  const newest = Date.parse(first.body.data[0]?.createdAt ?? "");
  const place = sortBy === "email" ? [`p${bans / 2}@banned.example`, "m"] : [newest - 50 * 86_400_000, "m"];
  const cursor = Buffer.from(JSON.stringify(place)).toString("base64url");
  return { path: `${BANS}?sortBy=${sortBy}&sortOrder=${sortOrder}&cursor=${cursor}` };
}

/**
 * Measures lists over HTTP as an admin: the time of a page with a hundred times the rows, and the requests a second against a
 * minimal server that returns the same bytes.
 */
export async function benchLists(): Promise<void> {
  const small = await open(SMALL);
  const large = await open(LARGE);
  printHeading(
    `Lists on ${dialect}: 10,000 rows against 1,000,000 (brands 100,000), ms, p50/p99 of ${REQUESTS}, ${ROUNDS} rounds`,
  );
  for (const [name, list] of Object.entries(lists)) {
    const [few, many] = [await list(small), await list(large)];
    const [short, long]: [number[][], number[][]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      const [quick, slow]: [number[], number[]] = [[], []];
      // Alternates, so that other load on the machine affects both.
      for (let time = 0; time < REQUESTS; time++) {
        quick.push(await timeRequest(small, few));
        slow.push(await timeRequest(large, many));
      }
      short.push(quick);
      long.push(slow);
    }
    // The median round, since another process may disturb one.
    const at = (rounds: number[][], share: number) => median(rounds.map((times) => quantile(times, share)));
    const show = (rounds: number[][]) => `${at(rounds, 0.5).toFixed(2)}/${at(rounds, 0.99).toFixed(2)}`;
    const [p50, p99] = [0.5, 0.99].map((share) => (at(long, share) / at(short, share)).toFixed(1));
    printRow(name, `${show(short)}  ${show(long)}`, `p99 <= 3x: ${p99}x, p50 ${p50}x`);
  }
  await small.service.remove();
  if (dialect === "sqlite") await benchRates(large);
  await large.service.remove();
  for (const { dataDir } of [small, large]) rmSync(dataDir, { recursive: true, force: true });
  if (dialect === "sqlite") await benchOnPostgres();
}

/** Runs the same in another process, because a process supports one database. */
async function benchOnPostgres(): Promise<void> {
  if (!findPostgres()) return console.log("Postgres: skipped, it is not installed");
  const postgres = await startPostgres();
  const env = { ...process.env, DATABASE_URL: await postgres.createDatabase() };
  const command = [process.execPath, join(import.meta.dir, "run.ts"), "lists"];
  await Bun.spawn(command, { env, stdio: ["ignore", "inherit", "inherit"] }).exited;
  await postgres.stop();
}

async function open(sizes: Sizes): Promise<Platform> {
  const dataDir = mkdtempSync(join(tmpdir(), "reprise-lists-"));
  const service = await startService({ dataDir, env: { LOG_LEVEL: "silent", CHANNELS: "simulator" } });
  const token = await service.admin();
  await service.stop();
  await fillDatabase(dataDir, service.databaseUrl, sizes);
  await service.start();
  return { ...sizes, service, token, dataDir };
}

async function timeRequest({ service, token }: Platform, { path, body }: ListRequest): Promise<number> {
  const started = performance.now();
  const sent = body === undefined ? { token } : { token, body };
  const answer = await service.api(body === undefined ? "GET" : "POST", path, sent);
  const milliseconds = performance.now() - started;
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  return milliseconds;
}

async function benchRates({ service, token, dataDir, followUps }: Platform): Promise<void> {
  printHeading(
    `Requests a second, first page of 20, ${CONNECTIONS} connections, ${ROUNDS} alternating rounds, each in a process of its own`,
  );
  for (const [list, path] of [
    ["followUps", FOLLOW_UPS],
    ["bans", BANS],
  ] as const) {
    const command = [
      process.execPath,
      join(import.meta.dir, "lists/bare.ts"),
      join(dataDir, "reprise.db"),
      list,
      `${followUps}`,
    ];
    const bare = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
    const { value } = await bare.stdout.getReader().read();
    const bareUrl = `http://127.0.0.1:${new TextDecoder().decode(value).trim()}/`;
    const ours = (await service.api("GET", path, { token })).text;
    if ((await (await fetch(bareUrl)).text()) !== ours) throw new Error(`${list}: the responses differ`);
    const [our, their]: [number[], number[]] = [[], []];
    for (let round = 0; round <= ROUNDS; round++) {
      const mine = await load(`${service.url}${path}`, token);
      const other = await load(bareUrl, token);
      // The first round is a warm-up.
      if (round === 0) continue;
      our.push(mine);
      their.push(other);
    }
    bare.kill();
    printRow(`${list}: Reprise, as an admin`, formatSpread(our));
    printRow(`${list}: bare Bun.serve, one prepared statement`, formatSpread(their));
    printRow(
      `${list}: ratio, median of the rounds`,
      median(our.map((rate, at) => rate / (their[at] ?? Number.NaN))).toFixed(2),
      ">= 0.7",
    );
  }
}

async function load(url: string, token: string): Promise<number> {
  const command = [process.execPath, join(import.meta.dir, "lists/load.ts"), url, token, `${CONNECTIONS}`, "2000"];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
  return Number(await new Response(child.stdout).text());
}
