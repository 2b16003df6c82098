/**
 * Waits for `work`, at most until `deadline` (by `performance.now()`). Returns whether it settled in time, fulfilled or
 * rejected; later outcomes are ignored.
 */
export async function settlesBefore(deadline: number, work: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.max(0, deadline - performance.now()));
  });
  const ended = work.then(
    () => true,
    () => true,
  );
  return Promise.race([ended, late]).finally(() => clearTimeout(timer));
}
