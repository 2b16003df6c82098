/** Time of the probe timer. The loop was busy for the delay beyond it. */
const PROBE_MS = 20;

/** Returns the CPU time of this process so far, in milliseconds. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * Measures how busy the event loop is, by the delay of timers. Other programs delay timers too, and no tenant causes that: the
 * result is capped at twice the CPU time of this process. A timer is set only when a request asks and none is pending, so that
 * an idle process sets none. (Bun returns 0 for `performance.eventLoopUtilization`.)
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
