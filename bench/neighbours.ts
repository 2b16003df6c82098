import { join } from "node:path";
import { dialect } from "../src/db/dialect.ts";
import { findPostgres, startPostgres } from "../test/support/servers/postgres.ts";
import { type Service, startService } from "../test/support/service.ts";
import { printHeading, printRow, quantile } from "./report.ts";

const CONTACTS = Number(process.env.BENCH_CONTACTS ?? 100_000);
const DURATION_S = Number(process.env.BENCH_SECONDS ?? 6);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 1);
const CONNECTIONS = 8;
/** Between two requests of the other tenant. */
const PAUSE_MS = 5;
/** Smaller p99s depend more on the machine than on the service. */
const MIN_P99_MS = 10;
const ATTACKS = ["steps", "previews", "searches", "members", "lists", "filters", "imports", "everything"];

interface Tenant {
  token: string;
  campaignId: string;
}

/** Measures the requests of a tenant while another one sends as much load as it is allowed to, against those without load. */
export async function benchNeighbours(): Promise<void> {
  const service = await startService({ env: { LOG_LEVEL: "silent", CHANNELS: "simulator", SIGN_UP: "open" } });
  const admin = await service.admin();
  const [attacker, neighbour] = [
    await createTenant(service, "attacker", admin),
    await createTenant(service, "neighbour", admin),
  ];
  await fill(service, attacker);
  printHeading(
    `Neighbours on ${dialect}: one tenant with ${CONTACTS.toLocaleString("en-US")} contacts attacks over ${CONNECTIONS} ` +
      `connections, ms of the other's requests, ${DURATION_S} s of each`,
  );
  await measure(service, neighbour, DURATION_S * 500);
  // Alternates, so that other load on the machine affects both.
  const quiet: number[] = [];
  const attacked = new Map<string, { times: number[]; answers: string[] }>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const attack of process.env.BENCH_ATTACKS?.split(",") ?? ATTACKS) {
      quiet.push(...(await measure(service, neighbour, DURATION_S * 500)));
      const { times, answers } = attacked.get(attack) ?? { times: [], answers: [] };
      const one = await measureUnder(attack, service, attacker, neighbour);
      attacked.set(attack, { times: [...times, ...one.times], answers: [...answers, one.answers] });
    }
  }
  const calm = quantile(quiet, 0.99);
  printRow("no load: p50, p99, maximum", show(quiet));
  for (const [attack, { times, answers }] of attacked) {
    const slow = quantile(times, 0.99);
    const ratios = `${(slow / Math.max(MIN_P99_MS, calm)).toFixed(1)}x (of p99 itself: ${(slow / calm).toFixed(1)}x)`;
    printRow(`${attack}: p50, p99, maximum`, show(times), `p99 <= 3x (of ${MIN_P99_MS} ms at least): ${ratios}`);
    console.log(`    responses by status ${answers.join(" ")}`);
  }
  await service.remove();
  if (dialect === "sqlite" && !process.env.BENCH_SQLITE_ONLY) await benchOnPostgres();
}

/** Measures the requests of the neighbour while another process attacks, and counts the responses to the attacker. */
async function measureUnder(attack: string, service: Service, attacker: Tenant, neighbour: Tenant) {
  const command = [process.execPath, join(import.meta.dir, "neighbours/attack.ts"), service.url, attacker.token];
  const args = [attacker.campaignId, attack, `${CONNECTIONS}`, `${DURATION_S * 1000 + 500}`];
  const child = Bun.spawn([...command, ...args], { stdout: "pipe", stderr: "inherit" });
  await Bun.sleep(500);
  const times = await measure(service, neighbour, DURATION_S * 1000);
  const answers = (await new Response(child.stdout).text()).trim();
  await child.exited;
  return { times, answers };
}

const show = (times: number[]) =>
  [quantile(times, 0.5), quantile(times, 0.99), Math.max(...times)].map((ms) => ms.toFixed(1)).join(" ");

/** Runs the same in another process, because a process supports one database. */
async function benchOnPostgres(): Promise<void> {
  if (!findPostgres()) return console.log("Postgres: skipped, it is not installed");
  const postgres = await startPostgres();
  const env = { ...process.env, DATABASE_URL: await postgres.createDatabase() };
  const command = [process.execPath, join(import.meta.dir, "run.ts"), "neighbours"];
  await Bun.spawn(command, { env, stdio: ["ignore", "inherit", "inherit"] }).exited;
  await postgres.stop();
}

async function createTenant(service: Service, name: string, admin: string): Promise<Tenant> {
  const token = await service.signUp(`${name}@neighbours.example`);
  const byAdmin = (operation: string, body: object) =>
    request<{ userId: string }>(service, "POST", `/api/auth/admin/${operation}`, { token: admin, body });
  const { userId } = await byAdmin("find-user-by-email", { email: `${name}@neighbours.example` });
  await byAdmin("verify-user", { userId });
  await request(service, "POST", "/api/brands", { token, body: { name } });
  const { campaign } = await request<{ campaign: { id: string } }>(service, "POST", "/api/campaigns", {
    token,
    body: { name },
  });
  return { token, campaignId: campaign.id };
}

async function request<Body>(service: Service, method: string, path: string, sent: object): Promise<Body> {
  const answer = await service.api<Body>(method, path, sent);
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.body;
}

async function fill(service: Service, { token, campaignId }: Tenant): Promise<void> {
  const rows = Array.from(
    { length: CONTACTS },
    (_, n) => `c${n}@host${n % 5000}.example,Pat${n % 50},Popular,Corn ${n}`,
  );
  const form = new FormData();
  form.set("file", new File([`email,first name,last name,company\n${rows.join("\n")}`], "contacts.csv"));
  const path = `${service.url}/api/campaigns/${campaignId}/import-contacts`;
  const sent = await fetch(path, { method: "POST", headers: { authorization: `Bearer ${token}` }, body: form });
  const [, jobId] = /"(?:jobId|id)":"([^"]+)"/.exec(await sent.text()) ?? [];
  for (let text = '"RUNNING"'; text.includes('"RUNNING"'); await Bun.sleep(200)) {
    text = (await service.api("GET", `/api/campaigns/import-jobs/${jobId}`, { token })).text;
  }
}

/** Acts as a user: gets a list, gets a campaign, adds a contact, one request after the other. Returns the milliseconds of each. */
async function measure(service: Service, { token, campaignId }: Tenant, milliseconds: number): Promise<number[]> {
  const times: number[] = [];
  const until = Date.now() + milliseconds;
  for (let index = 0; Date.now() < until; index++) {
    const started = performance.now();
    if (index % 4 === 3) {
      const body = { email: `n${Date.now()}.${index}@neighbour.example`, lastName: "Neighbour" };
      await request(service, "POST", "/api/contacts", { token, body });
    } else {
      const path = index % 2 ? "/api/contacts?limit=20" : `/api/campaigns/${campaignId}`;
      await request(service, "GET", path, { token });
    }
    times.push(performance.now() - started);
    await Bun.sleep(PAUSE_MS);
  }
  return times;
}
