import { type Deployment, type Fleet, startFleet } from "./contenders/fleet.ts";
import { startServers } from "./contenders/servers.ts";
import { formatSpread, median, printHeading, printRow, quantile } from "./report.ts";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const DUE_PER_SECOND = 1000;
const DURATION_S = 5;
const PENDING = Number(process.env.BENCH_PENDING ?? 1_000_000);
const SIZES: Deployment[] = ["SQLite", "Postgres", "Postgres + BullMQ"];

/** Measures how late messages start: a thousand are due each second, one after the other, while a million others are pending. */
export async function benchLateness(): Promise<void> {
  const servers = await startServers();
  try {
    printHeading(
      `Start lateness, ms: ${DUE_PER_SECOND} due a second for ${DURATION_S} s, ${PENDING.toLocaleString("en-US")} pending, ${ROUNDS} alternating rounds`,
    );
    const entrants: { size: Deployment; fleet: Fleet; rounds: number[][]; ours: number[] }[] = [];
    for (const size of SIZES) {
      const contacts = DUE_PER_SECOND * DURATION_S;
      const plan = { size, name: "Bench", contacts, mailboxes: 20, stages: ROUNDS + 3, pending: PENDING };
      const fleet = await startFleet(servers, plan);
      if (fleet) entrants.push({ size, fleet, rounds: [], ours: [] });
    }
    for (let round = 0; round <= ROUNDS; round++) {
      for (const { fleet, rounds, ours } of entrants) {
        const measured = await fleet.round(DUE_PER_SECOND);
        // The first round is a warm-up.
        if (round === 0) continue;
        rounds.push(measured.lateness);
        ours.push(measured.ours);
      }
    }
    for (const { size, fleet, rounds, ours } of entrants) {
      const at = (share: number) => rounds.map((times) => quantile(times, share));
      printRow(`${size}, p50`, formatSpread(at(0.5)));
      printRow(`${size}, p99`, formatSpread(at(0.99)), "<= 100");
      printRow(`${size}, maximum`, `${Math.max(...at(0.99999))}`);
      printRow(`${size}, microseconds of our process a message`, median(ours).toFixed(0));
      await fleet.stop();
    }
  } finally {
    await servers.stop();
  }
}
