import { startContender } from "./contenders/contender.ts";
import { type Deployment, type Fleet, type RoundResult, startFleet } from "./contenders/fleet.ts";
import { type Servers, startServers } from "./contenders/servers.ts";
import { formatSpread, median, printHeading, printRow } from "./report.ts";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const MESSAGES = 5_000;

const ENTRANTS: { label: string; size: Deployment; replicas: number; aim: string }[] = [
  { label: "SQLite", size: "SQLite", replicas: 1, aim: ">= 1.0" },
  { label: "Postgres", size: "Postgres", replicas: 1, aim: ">= 1.0" },
  { label: "Postgres, two replicas", size: "Postgres", replicas: 2, aim: "" },
  { label: "Postgres + BullMQ", size: "Postgres + BullMQ", replicas: 1, aim: ">= 0.6" },
];

/**
 * Measures follow-ups a second on every size of deployment with the full protocol (gate, render, claim, send to a channel that
 * accepts at once, settle, ledger, next stage), durable on disk, against BullMQ with empty jobs on the same machine. Rounds
 * alternate between them.
 */
export async function benchFollowUps(): Promise<void> {
  const servers = await startServers();
  try {
    await compare(servers);
  } finally {
    await servers.stop();
  }
}

async function compare(servers: Servers): Promise<void> {
  printHeading(`Follow-ups a second, ${MESSAGES} each, ${ROUNDS} alternating rounds, each in a process of its own`);
  const entrants: { label: string; aim: string; fleet: Fleet; rounds: RoundResult[] }[] = [];
  for (const { label, size, replicas, aim } of ENTRANTS) {
    const plan = { size, replicas, name: "Bench", contacts: MESSAGES, mailboxes: 20, stages: ROUNDS + 3 };
    const fleet = await startFleet(servers, plan);
    if (fleet) entrants.push({ label, aim, fleet, rounds: [] });
  }
  const bullmq = servers.redis && startContender("noop.ts", { REDIS_URL: servers.redis.url });
  const noops: { rate: number; microseconds: number }[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    for (const { fleet, rounds } of entrants) rounds.push(await fleet.round());
    const noop = await bullmq?.request<{ rate: number; microseconds: number }>("round", MESSAGES);
    if (noop) noops.push(noop);
    // The first round is a warm-up.
    if (round > 0) continue;
    for (const { rounds } of entrants) rounds.pop();
    noops.pop();
  }
  const noopRates = noops.map(({ rate }) => rate);
  if (noops.length > 0) {
    printRow("BullMQ, no-op, Redis with appendfsync everysec", formatSpread(noopRates));
    printRow("  microseconds of its process a job", formatSpread(noops.map(({ microseconds }) => microseconds)));
  }
  for (const { label, aim, rounds, fleet } of entrants) {
    const of = (name: Exclude<keyof RoundResult, "lateness">) => rounds.map((round) => round[name]);
    printRow(label, formatSpread(of("rate")));
    const ratios = of("rate").map((rate, index) => rate / (noopRates[index] ?? Number.NaN));
    if (noops.length > 0) printRow("  against BullMQ's no-op, median of the rounds", median(ratios).toFixed(2), aim);
    printRow("  microseconds of our process a message", formatSpread(of("ours")));
    if (median(of("postgres")) > 0) printRow("  of Postgres", formatSpread(of("postgres")));
    if (median(of("redis")) > 0) printRow("  of Redis", formatSpread(of("redis")));
    await fleet.stop();
  }
  await bullmq?.request("close");
  await bullmq?.stop();
}
