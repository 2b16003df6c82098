import { type Fleet, type Round, type Size, startFleet } from "./contenders/fleet.ts";
import { type Servers, startServers } from "./contenders/servers.ts";
import type { TableSize } from "./contenders/tableSizes.ts";
import { heading, median, row, spread } from "./report.ts";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const MESSAGES = 5_000;
const LEAST = 10_000;
const MOST = Number(process.env.BENCH_PENDING ?? 1_000_000);
const BRANDS = 200;
const SIZES: Size[] = ["SQLite", "Postgres"];

/** What a message, a contact and a brand cost: processor time, log and disk; with few rows in the tables, and with many. */
export async function benchCosts(): Promise<void> {
  const servers = await startServers();
  try {
    for (const size of SIZES) {
      await growth(servers, size);
      await disk(servers, size);
    }
  } finally {
    await servers.stop();
  }
}

/** The same work in turn on a table of ten thousand and one of a million. */
async function growth(servers: Servers, size: Size): Promise<void> {
  const plan = { size, name: "Bench", contacts: MESSAGES, mailboxes: 20, stages: ROUNDS + 3 };
  const few = await startFleet(servers, { ...plan, pending: LEAST });
  const many = await startFleet(servers, { ...plan, pending: MOST });
  if (!few || !many) return;
  heading(`Costs of a message on ${size}, ${LEAST} and ${MOST.toLocaleString("en-US")} others pending`);
  const rounds: { few: Round; many: Round }[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const both = { few: await few.round(), many: await many.round() };
    // The first round warms both up.
    if (round > 0) rounds.push(both);
  }
  const show = (what: string, name: Exclude<keyof Round, "lateness">) => {
    const of = (which: "few" | "many") => rounds.map((round) => round[which][name]);
    if (median(of("few")) === 0) return;
    row(`${what}, few`, spread(of("few")));
    row("  many", spread(of("many")));
    row("  many against few", median(rounds.map((both) => both.many[name] / both.few[name])).toFixed(2), "1.0");
  };
  show("messages a second", "rate");
  show("microseconds of our process", "ours");
  show("microseconds of Postgres", "postgres");
  show(size === "SQLite" ? "bytes written to disk" : "bytes of Postgres' log", size === "SQLite" ? "written" : "wal");
  for (const fleet of [few, many]) await fleet.end();
}

/** Bytes on disk, indexes included: of a brand with its mailbox; of a contact in a campaign; of a message, sent and settled. */
async function disk(servers: Servers, size: Size): Promise<void> {
  const fleet = await startFleet(servers, { size, name: "Disk", contacts: MESSAGES, mailboxes: 20, stages: 4 });
  if (!fleet) return;
  heading(`Bytes on disk on ${size}, with indexes`);
  const sizes = async () => new Map((await sizesOf(fleet)).map((one) => [one.table, one]));
  const opened = await sizes();
  await fleet.round();
  await fleet.round();
  const ended = await sizes();
  const messages = ended.get("messages")?.rows ?? Number.NaN;
  let total = 0;
  for (const table of ["messages", "ledger_entries", "credit_holds"]) {
    const { rows = 0, bytes = 0 } = ended.get(table) ?? {};
    total += bytes;
    row(`${table}, bytes a row; rows a message`, `${(bytes / rows).toFixed(0)}; ${(rows / messages).toFixed(2)}`);
  }
  row("a message with its entries and its hold", (total / messages).toFixed(0));
  for (const table of ["contacts", "conversations"]) {
    const { rows = 0, bytes = 0 } = opened.get(table) ?? {};
    row(`${table}, bytes a row`, (bytes / rows).toFixed(0));
  }
  const before = bytesOf(await sizesOf(fleet));
  await fleet.replicas[0]?.ask("brands", BRANDS);
  row("a brand with a mailbox and a campaign", ((bytesOf(await sizesOf(fleet)) - before) / BRANDS).toFixed(0));
  await fleet.end();
}

async function sizesOf(fleet: Fleet): Promise<TableSize[]> {
  return (await fleet.replicas[0]?.ask<TableSize[]>("sizes")) ?? [];
}

function bytesOf(sizes: readonly TableSize[]): number {
  return sizes.reduce((sum, { bytes }) => sum + bytes, 0);
}
