import { describeViolations, type InvariantReport } from "../simulator/invariants.ts";
import { simulate } from "../simulator/simulate.ts";

export interface SimulateWorlds {
  seed: string;
  worlds: number;
  days: number;
  contacts: number;
  faults: boolean;
  json: boolean;
}

/** Runs simulations one after the other. Prints the seed of each that violates an invariant, with exit code 1. */
export async function simulateWorlds({ seed, worlds, days, contacts, faults, json }: SimulateWorlds): Promise<number> {
  let broken = 0;
  for (let index = 0; index < worlds; index++) {
    const one = worlds === 1 ? seed : String(Number(seed) + index);
    const started = performance.now();
    let databaseBytes = 0;
    const onEnd = (bytes: number) => {
      databaseBytes = bytes;
    };
    const report = await simulate({ seed: one, days, contacts, faults, onEnd });
    const problems = describeViolations(report);
    const size = measureSize(report, databaseBytes);
    // Apart from the result, which is a function of the seed.
    if (worlds === 1) console.error(formatPace(size.messages, performance.now() - started));
    if (json && (worlds === 1 || problems.length > 0)) console.log(JSON.stringify({ ...report, ...size }));
    else if (worlds === 1) console.table({ ...report, ...size });
    if (problems.length === 0) continue;
    broken++;
    console.error(`seed ${one}: ${problems.join("; ")}`);
    console.error(
      `replay: reprise simulate --seed ${one} --days ${days} --contacts ${contacts}${faults ? " --faults" : ""}`,
    );
  }
  if (worlds > 1)
    console.log(json ? JSON.stringify({ worlds, broken }) : `${worlds} worlds, ${broken} with a violated invariant`);
  return broken > 0 ? 1 : 0;
}

/** Returns the bytes on disk for each message, for estimating the needs of an installation of another size. */
function measureSize(report: InvariantReport, databaseBytes: number) {
  const messages = report.sent + report.cancelled + report.failed + report.pending + report.unknown;
  return { messages, databaseBytes, bytesPerMessage: Math.round(databaseBytes / Math.max(1, messages)) };
}

function formatPace(messages: number, milliseconds: number): string {
  const each = Math.round((milliseconds * 1000) / Math.max(1, messages));
  return `${(milliseconds / 1000).toFixed(1)} s, ${each.toLocaleString("en-US")} µs a message`;
}
