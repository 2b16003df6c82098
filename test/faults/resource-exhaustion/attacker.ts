import { connect } from "node:net";
import { ATTACKS, type Attack } from "./attacks.ts";

// Runs as a process of its own, so that its work does not count as the service's: attacker.ts PORT SECONDS CONNECTIONS [NAMES]

/** Path of this file, to start it with. */
export const ATTACKER_SCRIPT = import.meta.path;

/** Wait before a connection that was cut or answered is opened again: what a way through a network takes at least. */
const PAUSE_MS = 100;
const DRIBBLE_MS = 100;

interface AttackRun {
  port: number;
  /** Time at which it ends, as `performance.now()` counts. */
  endsAt: number;
  connections: number;
  attacks: readonly Attack[];
  /** Outcomes by attack and status. */
  outcomes: Record<string, number>;
}

/** Sends one request, until it is answered, cut or the time is over. */
function attackOnce({ port, endsAt, outcomes }: AttackRun, attack: Attack): Promise<void> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    const pieces = attack.pieces()[Symbol.iterator]();
    let waiting: Timer | undefined;
    const end = (outcome: string) => {
      clearTimeout(waiting);
      clearTimeout(last);
      socket.removeAllListeners();
      socket.on("error", () => {});
      socket.destroy();
      const name = `${attack.name}: ${outcome}`;
      outcomes[name] = (outcomes[name] ?? 0) + 1;
      done();
    };
    const last = setTimeout(() => end("held"), Math.max(0, endsAt - performance.now()));
    const pump = () => {
      for (let next = pieces.next(); !next.done; next = pieces.next()) {
        if (next.value === null) {
          waiting = setTimeout(pump, DRIBBLE_MS);
          return;
        }
        if (!socket.write(next.value)) {
          socket.once("drain", pump);
          return;
        }
      }
    };
    socket.on("connect", () => {
      socket.write(attack.head);
      pump();
    });
    socket.on("data", (data) => end(/^HTTP\/1\.1 (\d{3})/.exec(data.toString("latin1"))?.[1] ?? "?"));
    socket.on("close", () => end("cut"));
    socket.on("error", () => end("cut"));
  });
}

/** Keeps one connection busy until the time is over; `number` says with which attack it begins. */
async function attackUntilEnd(run: AttackRun, number: number): Promise<void> {
  for (let next = number; performance.now() < run.endsAt; next += run.connections) {
    const attack = run.attacks[next % run.attacks.length];
    if (attack) await attackOnce(run, attack);
    await Bun.sleep(PAUSE_MS);
  }
}

if (import.meta.main) {
  const [port = 0, seconds = 0, connections = 0] = process.argv.slice(2).map(Number);
  // Only attacks whose names match.
  const attacks = ATTACKS.filter(({ name }) => new RegExp(process.argv[5] ?? "").test(name));
  const run: AttackRun = { port, endsAt: performance.now() + seconds * 1000, connections, attacks, outcomes: {} };
  await Promise.all(Array.from({ length: connections }, (_, number) => attackUntilEnd(run, number)));
  console.log(JSON.stringify(run.outcomes));
  process.exit(0);
}
