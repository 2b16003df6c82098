import { brokenPromises } from "../simulator/census.ts";
import { simulate } from "../simulator/simulate.ts";

export interface SimulateWorlds {
  seed: string;
  worlds: number;
  days: number;
  contacts: number;
  faults: boolean;
  json: boolean;
}

/** Lives through the worlds one after the other; exit code 1 when a promise was broken in one, and its seed is named. */
export async function simulateWorlds({ seed, worlds, days, contacts, faults, json }: SimulateWorlds): Promise<number> {
  let broken = 0;
  for (let index = 0; index < worlds; index++) {
    const one = worlds === 1 ? seed : String(Number(seed) + index);
    const census = await simulate({ seed: one, days, contacts, faults });
    const problems = brokenPromises(census);
    if (json && (worlds === 1 || problems.length > 0)) console.log(JSON.stringify(census));
    else if (worlds === 1) console.table(census);
    if (problems.length === 0) continue;
    broken++;
    console.error(`seed ${one}: ${problems.join("; ")}`);
    console.error(
      `replay: reprise simulate --seed ${one} --days ${days} --contacts ${contacts}${faults ? " --faults" : ""}`,
    );
  }
  if (worlds > 1)
    console.log(json ? JSON.stringify({ worlds, broken }) : `${worlds} worlds, ${broken} with a broken promise`);
  return broken > 0 ? 1 : 0;
}
