/** How long a timer is set for. What it comes later than that, the loop was busy. */
const PROBE_MS = 20;

/** Processor time of this process so far, in milliseconds. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * Measures how busy the event loop is, by how late timers come. What other programs keep from this process makes timers
 * late, too, and is no tenant's doing: no more counts than twice what it worked itself. A timer is set only when a request asks
 * and none is pending, so a process at rest sets none. (Bun answers 0 to `performance.eventLoopUtilization`.)
 */
export function loopProbe(sample: (blockedMs: number, elapsedMs: number, now: number) => void): () => void {
  let isPending = false;
  return () => {
    if (isPending) return;
    isPending = true;
    const begun = performance.now();
    const worked = processorMs();
    const timer = setTimeout(() => {
      const now = performance.now();
      isPending = false;
      const late = Math.max(0, now - begun - PROBE_MS);
      sample(Math.min(late, 2 * (processorMs() - worked)), now - begun, now);
    }, PROBE_MS);
    timer.unref?.();
  };
}
