import { expect, test } from "bun:test";
import { MAX_SCAN_SLICES, scanInSlices } from "../../src/db/sliced-scan.ts";
import { TimeSlices } from "../../src/lib/time-slices.ts";

// Scheduling is counted in polls of the event loop, never in time.

/** Creates slices whose polls the test triggers. */
function manual() {
  const polls: (() => void)[] = [];
  const slices = new TimeSlices((run) => polls.push(run));
  /** Triggers one poll and runs what follows from it. */
  async function poll() {
    polls.shift()?.();
    await Bun.sleep(0);
  }
  return { slices, poll, polls };
}

test("TimeSlices: one slice runs between two polls, for any number of waiting slices", async () => {
  const { slices, poll, polls } = manual();
  let ran = 0;
  for (let at = 0; at < 8; at++) void slices.next("greedy").then(() => ran++);
  for (let expected = 1; expected <= 8; expected++) {
    await poll();
    expect(ran).toBe(expected);
  }
  expect(polls).toHaveLength(0);
});

test("slices while another owner has a request under way: one runs, and the next after a pause; without one, at once", async () => {
  const { slices, poll, polls } = manual();
  let othersRun = true;
  slices.setOthersRun(() => othersRun);
  let ran = 0;
  for (let at = 0; at < 3; at++) void slices.next("greedy").then(() => ran++);
  await poll();
  slices.pauseFor(60_000);
  await poll();
  expect([ran, polls.length]).toEqual([1, 0]);
  othersRun = false;
  await Bun.sleep(10);
  expect(ran).toBe(2);
  await poll();
  expect(ran).toBe(3);
});

test("TimeSlices: owners alternate, so an owner with many slices delays only itself", async () => {
  const { slices, poll } = manual();
  const order: string[] = [];
  const ask = (owner: string) => void slices.next(owner).then(() => order.push(owner));
  for (let at = 0; at < 100; at++) ask("greedy");
  await poll();
  ask("modest");
  ask("other");
  for (let at = 0; at < 6; at++) await poll();
  expect(order.slice(0, 5)).toEqual(["greedy", "greedy", "modest", "other", "greedy"]);
});

test("TimeSlices: eight tasks of one owner delay each slice of another owner by one slice", async () => {
  const { slices, poll, polls } = manual();
  const done: string[] = [];
  const work = async (owner: string, count: number) => {
    for (let slice = 0; slice < count; slice++) await slices.next(owner);
    done.push(owner);
  };
  for (let at = 0; at < 8; at++) void work("greedy", 50);
  void work("modest", 5);
  let polled = 0;
  for (; !done.includes("modest"); polled++) await poll();
  expect(polled).toBeLessThanOrEqual(2 * 5);
  while (polls.length > 0) await poll();
  expect(done).toHaveLength(9);
});

test("TimeSlices: the event loop polls between slices", async () => {
  const slices = new TimeSlices();
  let polls = 0;
  let isDone = false;
  const count = () => {
    polls++;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  await Promise.all(Array.from({ length: 20 }, () => slices.next("one")));
  isDone = true;
  expect(polls).toBeGreaterThanOrEqual(19);
});

test("scanInSlices: a filter without matches ends each page after its slices, and the cursor reaches the end", async () => {
  const ids = Array.from({ length: 60_000 }, (_, at) => String(at).padStart(6, "0"));
  const rare = new Set(["000007", "041000", "059999"]);
  let visited = 0;
  let pauses = 0;
  const page = (after: string | null) =>
    scanInSlices({
      after,
      limit: 2,
      pause: async () => void pauses++,
      boundary: async (from) => ids[(from === null ? -1 : Number(from)) + 1_000] ?? null,
      rows: async (from, upTo, limit) => {
        const slice = ids.slice(from === null ? 0 : Number(from) + 1, upTo === null ? undefined : Number(upTo) + 1);
        visited = Math.max(visited, slice.length);
        return slice.filter((id) => rare.has(id)).slice(0, limit);
      },
      idOf: (id) => id,
    });
  const found: string[] = [];
  let pages = 0;
  for (let after: string | null = null; pages === 0 || after !== null; pages++) {
    const before = pauses;
    const { rows, next }: { rows: string[]; next: string | null } = await page(after);
    expect(pauses - before).toBeLessThanOrEqual(MAX_SCAN_SLICES);
    found.push(...rows);
    after = next;
  }
  expect(found).toEqual([...rare]);
  expect(visited).toBeLessThanOrEqual(1_000);
  expect(pages).toBe(3);
});
