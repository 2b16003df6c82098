import { inArray } from "drizzle-orm";
import { contacts } from "../db/schema/contacts.ts";
import { conversations } from "../db/schema/conversations.ts";
import type { Store } from "../db/store.ts";
import { HOUR, type Instant, MINUTE, type VirtualClock } from "../lib/clock.ts";
import type { Log } from "../lib/logger.ts";
import type { Random } from "../lib/random.ts";
import { createEngine, type Engine } from "../modules/delivery/engine.ts";
import type { RenderDeps } from "../modules/delivery/render.ts";
import {
  CLOCK_JUMP_MS,
  Crash,
  crashingStore,
  type FaultRates,
  faultyChannel,
  SimulatedProcess,
} from "./fault-injection.ts";
import { recordReply } from "./inbox.ts";
import type { StopEvents } from "./invariants.ts";
import type { ScheduledReply, World } from "./world.ts";

export interface RunOptions {
  store: Store;
  world: World;
  clock: VirtualClock;
  random: Random;
  post: RenderDeps;
  log: Log;
  rates: FaultRates;
  /** Number of processes on the one database. */
  processes: number;
  /** Number of times that the clock is set back or ahead by an hour. */
  clockJumps: number;
  hostileBelow: number;
  until: Instant;
  /** Is called as virtual time advances. */
  onProgress?: (now: Instant) => void;
}

interface Process {
  life: SimulatedProcess;
  engine: Engine;
}

const SWEEP_INTERVAL_MS = 30 * MINUTE;
const CLOCK_JUMP_PROBABILITY = 0.002;
const MAX_IN_FLIGHT_MESSAGES = 50;
const MAX_IN_FLIGHT_PER_SENDER = 10;

/**
 * Advances virtual time to `until`, always to the next event: a due message, a reply, a slow provider's answer, a sweep.
 * Returns the stop events that happened and the number of crashes.
 */
export async function runWorld(options: RunOptions): Promise<StopEvents & { crashes: number }> {
  const { world, clock, random } = options;
  const stopEvents: StopEvents = { banned: new Map(), replied: new Map() };
  const machines = new Machines(options);
  await machines.start();
  let jumpsLeft = options.clockJumps;
  let nextSweep = clock.now();

  while (clock.now() < options.until) {
    const now = clock.now();
    machines.resolveWaits(now);
    // A wake-up that came twice, or to two processes at once, changes nothing.
    await machines.runInEach(({ engine }) => engine.runDue());
    for (const reply of world.takeDueReplies(now)) await receiveReply(options, machines, stopEvents, reply);
    if (now >= nextSweep) {
      nextSweep = now + SWEEP_INTERVAL_MS;
      await machines.runInEach(({ engine }) => engine.sweep());
    }
    const soonest = await machines.nextEvent(nextSweep);
    if (jumpsLeft > 0 && random() < CLOCK_JUMP_PROBABILITY) {
      jumpsLeft--;
      clock.advance(random() < 0.5 ? -CLOCK_JUMP_MS : CLOCK_JUMP_MS);
      nextSweep = Math.min(nextSweep, clock.now() + SWEEP_INTERVAL_MS);
    } else {
      clock.set(Math.max(now + 1, Math.min(soonest, now + HOUR, options.until)));
    }
    options.onProgress?.(clock.now());
  }
  return { ...stopEvents, crashes: machines.crashes };
}

/** Runs the processes of the simulated installation, and replaces each that crashes. */
class Machines {
  crashes = 0;
  readonly #options: RunOptions;
  #processes: Process[] = [];

  constructor(options: RunOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const indexes = Array.from({ length: this.#options.processes }, (_, index) => index);
    this.#processes = await Promise.all(indexes.map((index) => this.#startOne(index)));
  }

  resolveWaits(now: Instant): void {
    for (const { life } of this.#processes) life.resolveWaits(now);
  }

  async runInEach(work: (process: Process) => Promise<unknown>): Promise<void> {
    await Promise.all(this.#processes.map((_, index) => this.#runInProcess(index, work)));
  }

  async runInAny(work: (process: Process) => Promise<unknown>): Promise<void> {
    await this.#runInProcess(Math.floor(this.#options.random() * this.#processes.length), work);
  }

  /** Returns the time of the next event. A message that is due now and could not be started waits for one of the others. */
  async nextEvent(nextSweep: Instant): Promise<Instant> {
    const { world, until, clock } = this.#options;
    const due = await this.#processes[0]?.engine.nextDue();
    const times = [due, world.nextReplyAt(), nextSweep, ...this.#processes.map(({ life }) => life.nextWakeAt())];
    return Math.min(until, ...times.filter((time): time is Instant => typeof time === "number" && time > clock.now()));
  }

  /** Runs `work` in a process, and starts the process again if it crashes. */
  async #runInProcess(index: number, work: (process: Process) => Promise<unknown>): Promise<void> {
    const process = this.#processes[index];
    if (!process) return;
    try {
      await work(process);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
    if (process.life.hasCrashed) {
      this.crashes++;
      this.#processes[index] = await this.#startOne(index);
    }
  }

  async #startOne(index: number): Promise<Process> {
    const { random, rates, clock, store, world, log, post, processes } = this.#options;
    for (;;) {
      // The clocks of machines differ: every other one is an hour ahead or behind.
      const ahead = index % 2 === 1 ? (random() < 0.5 ? -HOUR : HOUR) : 0;
      const life = new SimulatedProcess(rates, random, clock, ahead);
      const engine = createEngine({
        ...post,
        store: crashingStore(store, life),
        channel: faultyChannel(world, life),
        random,
        monotonicMs: () => life.monotonicMs,
        log,
        concurrency: MAX_IN_FLIGHT_MESSAGES,
        senderConcurrency: MAX_IN_FLIGHT_PER_SENDER,
      });
      try {
        await engine.rescue(processes === 1);
        return { life, engine };
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        this.crashes++;
      }
    }
  }
}

/** Records a reply in one of the processes. Providers deliver at least once: it comes again when the process crashed first. */
async function receiveReply(
  options: RunOptions,
  machines: Machines,
  stopEvents: StopEvents,
  reply: ScheduledReply,
): Promise<void> {
  const { world, store } = options;
  let isRecorded = false;
  await machines.runInAny(async ({ life }) => {
    const received = await crashingStore(store, life).write((tx) => recordReply(tx, reply, options));
    const order = world.tick();
    isRecorded = true;
    if (received) await recordStopEvent(store, stopEvents, received, order);
  });
  if (!isRecorded) world.redeliver(reply);
}

/** Records from when on a contact must not be written to. */
async function recordStopEvent(
  store: Store,
  stopEvents: StopEvents,
  received: { conversationId: string; intent: string },
  order: number,
): Promise<void> {
  const { conversationId, intent } = received;
  if (intent !== "REPLY" && intent !== "OPT_OUT" && intent !== "HOSTILE") return;
  if (!stopEvents.replied.has(conversationId)) stopEvents.replied.set(conversationId, order);
  if (intent === "REPLY") return;
  const contactIds = store.read
    .select({ id: conversations.contactId })
    .from(conversations)
    .where(inArray(conversations.id, [conversationId]));
  const recipients = await store.read
    .select({ brandId: contacts.brandId, email: contacts.email, phone: contacts.phone })
    .from(contacts)
    .where(inArray(contacts.id, contactIds));
  for (const { brandId, email, phone } of recipients) {
    for (const address of [email, phone])
      if (address && !stopEvents.banned.has(`${brandId} ${address}`))
        stopEvents.banned.set(`${brandId} ${address}`, order);
  }
}
