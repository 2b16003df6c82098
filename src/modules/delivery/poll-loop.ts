export interface PollLoop {
  /** Begins the next round now, or right after the one that is running. Cheap, however often it is called. */
  wake(): void;
  /** Begins no further round. */
  stop(): void;
}

/** Pause before the next round after one that failed. */
const FAILED_ROUND_PAUSE_MS = 1_000;

/** Runs `work` round after round, never twice at once. It returns how many milliseconds to sleep after it, and should not throw. */
export function startPollLoop(work: () => Promise<number>): PollLoop {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wanted = false;
  let working = false;
  let stopped = false;

  function arm(milliseconds: number): void {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(round, milliseconds);
  }

  async function round(): Promise<void> {
    working = true;
    wanted = false;
    const sleep = await work().catch(() => FAILED_ROUND_PAUSE_MS);
    working = false;
    arm(wanted ? 0 : sleep);
  }

  function wake(): void {
    // Armed already: calls that come all the time must not put the round off all the time.
    if (wanted) return;
    wanted = true;
    if (!working) arm(0);
  }

  wake();
  return {
    wake,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
