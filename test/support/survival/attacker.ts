import { connect } from "node:net";
import { ATTACKS, type Attack } from "./attacks.ts";

// A process of its own, so that its work does not count as the service's: attacker.ts PORT SECONDS CONNECTIONS [NAMES]

const [port = 0, seconds = 0, connections = 0] = process.argv.slice(2).map(Number);
/** Only attacks whose names this matches. */
const chosen = ATTACKS.filter(({ name }) => new RegExp(process.argv[5] ?? "").test(name));
const over = performance.now() + seconds * 1000;
/** Before a connection that was cut or answered is opened again: what a way through a network takes at least. */
const PAUSE_MS = 100;
const DRIBBLE_MS = 100;

const answers: Record<string, number> = {};
const count = (name: string) => {
  answers[name] = (answers[name] ?? 0) + 1;
};

/** Sends one request, until it is answered, cut or the time is over. */
function strike(attack: Attack): Promise<void> {
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
      count(`${attack.name}: ${outcome}`);
      done();
    };
    const last = setTimeout(() => end("held"), Math.max(0, over - performance.now()));
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

async function attackUntilOver(number: number): Promise<void> {
  for (let next = number; performance.now() < over; next += connections) {
    const attack = chosen[next % chosen.length];
    if (attack) await strike(attack);
    await Bun.sleep(PAUSE_MS);
  }
}

await Promise.all(Array.from({ length: connections }, (_, number) => attackUntilOver(number)));
console.log(JSON.stringify(answers));
process.exit(0);
