import { SECOND } from "../../lib/clock.ts";

/** Shows progress: a bar on a terminal, otherwise a line every few seconds. */
export interface Progress {
  /** Shows that `done` of `total` rows are processed, and the current table or step. */
  update(done: number, total: number, name: string): void;
  /** Ends the bar. */
  end(): void;
}

const BAR_WIDTH_CHARS = 30;
const TERMINAL_INTERVAL_MS = SECOND / 10;
const LINE_INTERVAL_MS = 5 * SECOND;

export function createProgress(out: NodeJS.WriteStream, action: string): Progress {
  const every = out.isTTY ? TERMINAL_INTERVAL_MS : LINE_INTERVAL_MS;
  const began = performance.now();
  let shownAt = Number.NEGATIVE_INFINITY;
  let before = 0;
  let first: number | null = null;

  function line(done: number, total: number, name: string): string {
    first ??= done;
    const part = total === 0 ? 1 : done / total;
    const rate = Math.round((done - first) / Math.max(0.001, (performance.now() - began) / SECOND));
    const bar = "█".repeat(Math.round(part * BAR_WIDTH_CHARS)).padEnd(BAR_WIDTH_CHARS, "░");
    const count = `${done.toLocaleString("en-US")} of ${total.toLocaleString("en-US")} rows`;
    return `${action} ${bar} ${Math.floor(part * 100)} %  ${count}, ${rate.toLocaleString("en-US")}/s  ${name}`;
  }

  return {
    update(done, total, name) {
      const now = performance.now();
      if (now - shownAt < every && done < total) return;
      if (done === total && before === total && total > 0) return;
      shownAt = now;
      before = done;
      const text = line(done, total, name);
      out.write(out.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
    },
    end() {
      if (out.isTTY) out.write("\n");
    },
  };
}
