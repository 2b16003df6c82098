import { type Deployment, type Fleet, type RoundResult, startFleet } from "./contenders/fleet.ts";
import { type Servers, startServers } from "./contenders/servers.ts";
import type { TableSize } from "./contenders/table-sizes.ts";
import { formatSpread, median, printHeading, printRow } from "./report.ts";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const MESSAGES = 5_000;
const FEW_PENDING = 10_000;
const MANY_PENDING = Number(process.env.BENCH_PENDING ?? 1_000_000);
const BRANDS = 200;
const SIZES: Deployment[] = ["SQLite", "Postgres"];

/** Measures the cost of a message, a contact and a brand in processor time, log and disk, with few and with many rows in the tables. */
export async function benchCosts(): Promise<void> {
  const servers = await startServers();
  try {
    for (const size of SIZES) {
      await benchTableGrowth(servers, size);
      await benchDisk(servers, size);
    }
  } finally {
    await servers.stop();
  }
}

/** Runs the same work alternately on a table of ten thousand and one of a million messages. */
async function benchTableGrowth(servers: Servers, size: Deployment): Promise<void> {
  const plan = { size, name: "Bench", contacts: MESSAGES, mailboxes: 20, stages: ROUNDS + 3 };
  const few = await startFleet(servers, { ...plan, pending: FEW_PENDING });
  const many = await startFleet(servers, { ...plan, pending: MANY_PENDING });
  if (!few || !many) return;
  printHeading(
    `Costs of a message on ${size}, ${FEW_PENDING} and ${MANY_PENDING.toLocaleString("en-US")} others pending`,
  );
  const rounds: { few: RoundResult; many: RoundResult }[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const both = { few: await few.round(), many: await many.round() };
    // The first round warms both up.
    if (round > 0) rounds.push(both);
  }
  const show = (what: string, name: Exclude<keyof RoundResult, "lateness">) => {
    const of = (which: "few" | "many") => rounds.map((round) => round[which][name]);
    if (median(of("few")) === 0) return;
    printRow(`${what}, few`, formatSpread(of("few")));
    printRow("  many", formatSpread(of("many")));
    printRow("  many against few", median(rounds.map((both) => both.many[name] / both.few[name])).toFixed(2), "1.0");
  };
  show("messages a second", "rate");
  show("microseconds of our process", "ours");
  show("microseconds of Postgres", "postgres");
  show(size === "SQLite" ? "bytes written to disk" : "bytes of Postgres' log", size === "SQLite" ? "written" : "wal");
  for (const fleet of [few, many]) await fleet.stop();
}

/** Measures bytes on disk, including indexes, of a brand with its mailbox, a contact in a campaign and a settled message. */
async function benchDisk(servers: Servers, size: Deployment): Promise<void> {
  const fleet = await startFleet(servers, { size, name: "Disk", contacts: MESSAGES, mailboxes: 20, stages: 4 });
  if (!fleet) return;
  printHeading(`Bytes on disk on ${size}, with indexes`);
  const sizes = async () => new Map((await getSizes(fleet)).map((one) => [one.table, one]));
  const launched = await sizes();
  await fleet.round();
  await fleet.round();
  const settled = await sizes();
  const messages = settled.get("messages")?.rows ?? Number.NaN;
  let total = 0;
  for (const table of ["messages", "ledger_entries", "credit_holds"]) {
    const { rows = 0, bytes = 0 } = settled.get(table) ?? {};
    total += bytes;
    printRow(`${table}, bytes a row; rows a message`, `${(bytes / rows).toFixed(0)}; ${(rows / messages).toFixed(2)}`);
  }
  printRow("a message with its entries and its hold", (total / messages).toFixed(0));
  for (const table of ["contacts", "conversations"]) {
    const { rows = 0, bytes = 0 } = launched.get(table) ?? {};
    printRow(`${table}, bytes a row`, (bytes / rows).toFixed(0));
  }
  const before = sumBytes(await getSizes(fleet));
  await fleet.replicas[0]?.request("brands", BRANDS);
  printRow("a brand with a mailbox and a campaign", ((sumBytes(await getSizes(fleet)) - before) / BRANDS).toFixed(0));
  await fleet.stop();
}

async function getSizes(fleet: Fleet): Promise<TableSize[]> {
  return (await fleet.replicas[0]?.request<TableSize[]>("sizes")) ?? [];
}

function sumBytes(sizes: readonly TableSize[]): number {
  return sizes.reduce((sum, { bytes }) => sum + bytes, 0);
}
