import { benchBinary } from "./binary.ts";
import { benchFollowUps } from "./followUps.ts";

// `npm run bench [followUps|binary]`. Figures depend on the machine: compare ratios, and only within one run.

const parts: Record<string, () => Promise<void>> = { followUps: benchFollowUps, binary: benchBinary };
const chosen = process.argv.slice(2);
for (const [name, bench] of Object.entries(parts)) {
  if (chosen.length === 0 || chosen.includes(name)) await bench();
}
process.exit(0);
