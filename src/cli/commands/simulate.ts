import { type Command, JSON_HELP, parseInteger, parseOptions, UsageError } from "../command.ts";
import { useSqlite } from "../settings.ts";

export const simulateCommand: Command = {
  name: "simulate",
  summary: "Simulate an installation with crashes and slow providers, and check every invariant",
  help: [
    "--seed S             seed of the simulation; the same seed gives the same result (default 1)",
    "--days D             days of simulated time (default 30)",
    "--contacts N         number of contacts (default 100)",
    "--faults             crashes, slow and failing providers, double wake-ups, clock jumps",
    "--worlds W           number of simulations, with seeds S, S+1, … (default 1; the seed must be a number)",
    JSON_HELP,
  ],
  async run(args) {
    const text = { type: "string" } as const;
    const {
      seed = "1",
      days,
      contacts,
      worlds,
      faults,
      json,
    } = parseOptions(args, {
      seed: text,
      days: text,
      contacts: text,
      worlds: text,
      faults: { type: "boolean" },
      json: { type: "boolean" },
    });
    const count = parseInteger("worlds", worlds, 1, 1, 1_000_000);
    if (count > 1 && !/^\d{1,9}$/.test(seed))
      throw new UsageError("--seed: expected a whole number with --worlds above 1");
    useSqlite();
    const { simulateWorlds } = await import("../simulate.ts");
    return simulateWorlds({
      seed,
      worlds: count,
      days: parseInteger("days", days, 30, 1, 3650),
      contacts: parseInteger("contacts", contacts, 100, 1, 10_000_000),
      faults: faults === true,
      json: json === true,
    });
  },
};
