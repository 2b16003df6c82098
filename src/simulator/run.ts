import { inArray } from "drizzle-orm";
import { HOUR, type Instant, MINUTE, type VirtualClock } from "../clock.ts";
import { contacts } from "../db/schema/contacts.ts";
import { conversations } from "../db/schema/conversations.ts";
import type { Store } from "../db/store.ts";
import { createEngine, type Engine } from "../delivery/engine.ts";
import type { Post } from "../delivery/envelope.ts";
import type { Log } from "../log.ts";
import type { Random } from "../random.ts";
import type { Silences } from "./census.ts";
import { CLOCK_JUMP, Crash, type FaultRates, faultyChannel, Life, mortalStore } from "./faults.ts";
import { takeIn } from "./inbox.ts";
import type { Echo, World } from "./world.ts";

export interface RunOptions {
  store: Store;
  world: World;
  clock: VirtualClock;
  random: Random;
  post: Post;
  log: Log;
  rates: FaultRates;
  /** How many processes work on the one database. */
  processes: number;
  /** How many times the clock is set by an hour, either way. */
  clockJumps: number;
  hostileBelow: number;
  until: Instant;
  /** Called as virtual time goes by. */
  onProgress?: (now: Instant) => void;
}

interface Process {
  life: Life;
  engine: Engine;
}

const SWEEP_EVERY = 30 * MINUTE;

/** Lets virtual time pass until `until`: whatever is next (a message due, an answer, a slow provider, a sweep) is when the clock goes on. */
export async function runWorld(options: RunOptions): Promise<Silences & { crashes: number }> {
  const { world, clock, random } = options;
  const silences: Silences = { banned: new Map(), answered: new Map() };
  let crashes = 0;
  let jumpsLeft = options.clockJumps;
  let nextSweep = clock.now();

  async function start(index: number): Promise<Process> {
    for (;;) {
      // Machines do not agree about the time: every other one is an hour ahead or behind.
      const ahead = index % 2 === 1 ? (random() < 0.5 ? -HOUR : HOUR) : 0;
      const life = new Life(options.rates, random, clock, ahead);
      const engine = createEngine({
        ...options.post,
        store: mortalStore(options.store, life),
        channel: faultyChannel(world, life),
        random,
        steady: () => life.steady,
        log: options.log,
        concurrency: 50,
        senderConcurrency: 10,
      });
      try {
        await engine.recover(options.processes === 1);
        return { life, engine };
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        crashes++;
      }
    }
  }

  const processes = await Promise.all(Array.from({ length: options.processes }, (_, index) => start(index)));

  /** Runs something in a process; one that dies of it is started anew. */
  async function inProcess(index: number, work: (process: Process) => Promise<void>): Promise<void> {
    const process = processes[index];
    if (!process) return;
    try {
      await work(process);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
    if (process.life.dead) {
      crashes++;
      processes[index] = await start(index);
    }
  }

  /** Providers deliver at least once: what a process could not take in before it died comes again. */
  async function takeEcho(echo: Echo): Promise<void> {
    let taken = false;
    await inProcess(Math.floor(random() * processes.length), async ({ life }) => {
      const received = await mortalStore(options.store, life).write((tx) => takeIn(tx, echo, options));
      const order = world.tick();
      taken = true;
      if (received) await silence(options.store, silences, received, order);
    });
    if (!taken) world.redeliver(echo);
  }

  while (clock.now() < options.until) {
    const now = clock.now();
    for (const { life } of processes) life.wakeSlow(now);
    // A wake-up that came twice, or to two processes at once, changes nothing.
    await Promise.all(processes.map((_, index) => inProcess(index, ({ engine }) => engine.runDue())));
    for (const echo of world.takeEchoes(now)) await takeEcho(echo);
    if (now >= nextSweep) {
      nextSweep = now + SWEEP_EVERY;
      await Promise.all(processes.map((_, index) => inProcess(index, ({ engine }) => engine.sweep())));
    }
    const soonest = await nextEvent(options, processes, nextSweep);
    if (jumpsLeft > 0 && random() < 0.002) {
      jumpsLeft--;
      clock.advance(random() < 0.5 ? -CLOCK_JUMP : CLOCK_JUMP);
      nextSweep = Math.min(nextSweep, clock.now() + SWEEP_EVERY);
    } else {
      clock.set(Math.max(now + 1, Math.min(soonest, now + HOUR, options.until)));
    }
    options.onProgress?.(clock.now());
  }
  return { ...silences, crashes };
}

/** The next moment at which anything can happen. What is due now and could not be started waits for one of the others. */
async function nextEvent(
  { world, until, clock }: RunOptions,
  processes: readonly Process[],
  nextSweep: Instant,
): Promise<Instant> {
  const due = await processes[0]?.engine.nextDue();
  const moments = [due, world.nextEchoAt(), nextSweep, ...processes.map(({ life }) => life.nextWakeAt())];
  return Math.min(
    until,
    ...(moments.filter((moment) => typeof moment === "number" && moment > clock.now()) as Instant[]),
  );
}

/** Remembers since when somebody must not be written to any more. */
async function silence(
  store: Store,
  silences: Silences,
  received: { conversationId: string; intent: string },
  order: number,
): Promise<void> {
  const { conversationId, intent } = received;
  if (intent !== "REPLY" && intent !== "OPT_OUT" && intent !== "HOSTILE") return;
  if (!silences.answered.has(conversationId)) silences.answered.set(conversationId, order);
  if (intent === "REPLY") return;
  const people = await store.read
    .select({ brandId: contacts.brandId, email: contacts.email, phone: contacts.phone })
    .from(contacts)
    .where(
      inArray(
        contacts.id,
        store.read
          .select({ id: conversations.contactId })
          .from(conversations)
          .where(inArray(conversations.id, [conversationId])),
      ),
    );
  for (const { brandId, email, phone } of people) {
    for (const address of [email, phone])
      if (address && !silences.banned.has(`${brandId} ${address}`)) silences.banned.set(`${brandId} ${address}`, order);
  }
}
