/** How long a timer is set for. What it comes later than that, the loop was busy. */
const PROBE_MS = 20;

/**
 * Measures how busy the event loop is, by how late timers come. A timer is set only when a request asks and none is
 * pending, so a process at rest sets none. (Bun answers 0 to `performance.eventLoopUtilization`.)
 */
export function loopProbe(sample: (blockedMs: number, elapsedMs: number, now: number) => void): () => void {
  let isPending = false;
  return () => {
    if (isPending) return;
    isPending = true;
    const begun = performance.now();
    const timer = setTimeout(() => {
      const now = performance.now();
      isPending = false;
      sample(Math.max(0, now - begun - PROBE_MS), now - begun, now);
    }, PROBE_MS);
    timer.unref?.();
  };
}
