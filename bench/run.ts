import { benchBinary } from "./binary.ts";
import { benchCosts } from "./costs.ts";
import { benchFollowUps } from "./follow-ups.ts";
import { benchLateness } from "./lateness.ts";
import { benchLedger } from "./ledger.ts";
import { benchLists } from "./lists.ts";
import { benchListsUnderLoad } from "./lists-under-load.ts";
import { benchNeighbours } from "./neighbours.ts";
import { benchRecovery } from "./recovery.ts";

// `npm run bench [part]`. Results depend on the machine: compare ratios, and only within one run.
// Each part runs in a process of its own: a child's peak memory would include its parent's memory when it was forked.

const parts: Record<string, () => Promise<void>> = {
  followUps: benchFollowUps,
  lateness: benchLateness,
  lists: benchLists,
  listsUnderLoad: benchListsUnderLoad,
  neighbours: benchNeighbours,
  recovery: benchRecovery,
  costs: benchCosts,
  ledger: benchLedger,
  binary: benchBinary,
};
const [chosen] = process.argv.slice(2);
if (chosen !== undefined) {
  const bench = parts[chosen];
  if (!bench) throw new Error(`unknown bench ${chosen}: expected one of ${Object.keys(parts).join(", ")}`);
  await bench();
} else {
  for (const name of Object.keys(parts)) {
    await Bun.spawn([process.execPath, import.meta.path, name], { stdio: ["ignore", "inherit", "inherit"] }).exited;
  }
}
process.exit(0);
