import { type Fleet, type Size, startFleet } from "./contenders/fleet.ts";
import { startServers } from "./contenders/servers.ts";
import { heading, median, quantile, row, spread } from "./report.ts";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const PER_SECOND = 1000;
const SECONDS = 5;
const PENDING = Number(process.env.BENCH_PENDING ?? 1_000_000);
const SIZES: Size[] = ["SQLite", "Postgres", "Postgres + BullMQ"];

/** How late messages start: a thousand due in each second, one after the other, while a million others wait in the same table. */
export async function benchLateness(): Promise<void> {
  const servers = await startServers();
  try {
    heading(
      `Start lateness, ms: ${PER_SECOND} due a second for ${SECONDS} s, ${PENDING.toLocaleString("en-US")} pending, ${ROUNDS} rounds in turn`,
    );
    const entrants: { size: Size; fleet: Fleet; rounds: number[][]; ours: number[] }[] = [];
    for (const size of SIZES) {
      const contacts = PER_SECOND * SECONDS;
      const plan = { size, name: "Bench", contacts, mailboxes: 20, stages: ROUNDS + 3, pending: PENDING };
      const fleet = await startFleet(servers, plan);
      if (fleet) entrants.push({ size, fleet, rounds: [], ours: [] });
    }
    for (let round = 0; round <= ROUNDS; round++) {
      for (const { fleet, rounds, ours } of entrants) {
        const measured = await fleet.round(PER_SECOND);
        // The first round warms all up.
        if (round === 0) continue;
        rounds.push(measured.lateness);
        ours.push(measured.ours);
      }
    }
    for (const { size, fleet, rounds, ours } of entrants) {
      const at = (share: number) => rounds.map((times) => quantile(times, share));
      row(`${size}, p50`, spread(at(0.5)));
      row(`${size}, p99`, spread(at(0.99)), "<= 100");
      row(`${size}, latest of all`, `${Math.max(...at(0.99999))}`);
      row(`${size}, microseconds of our process a message`, median(ours).toFixed(0));
      await fleet.end();
    }
  } finally {
    await servers.stop();
  }
}
