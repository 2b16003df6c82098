import { SECOND } from "../clock.ts";

/** Tells a person how far it is: a bar on a terminal, else a line now and then. */
export interface Progress {
  /** `done` of `total` rows, now at a table or a step of this name. */
  at(done: number, total: number, name: string): void;
  /** Ends the bar. */
  end(): void;
}

const WIDTH = 30;
const EVERY_ON_TERMINAL = SECOND / 10;
const EVERY_ELSEWHERE = 5 * SECOND;

export function showProgress(out: NodeJS.WriteStream, verb: string): Progress {
  const every = out.isTTY ? EVERY_ON_TERMINAL : EVERY_ELSEWHERE;
  const began = performance.now();
  let shownAt = Number.NEGATIVE_INFINITY;
  let before = 0;
  let first: number | null = null;

  function line(done: number, total: number, name: string): string {
    first ??= done;
    const part = total === 0 ? 1 : done / total;
    const rate = Math.round((done - first) / Math.max(0.001, (performance.now() - began) / SECOND));
    const bar = "█".repeat(Math.round(part * WIDTH)).padEnd(WIDTH, "░");
    const count = `${done.toLocaleString("en-US")} of ${total.toLocaleString("en-US")} rows`;
    return `${verb} ${bar} ${Math.floor(part * 100)} %  ${count}, ${rate.toLocaleString("en-US")}/s  ${name}`;
  }

  return {
    at(done, total, name) {
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
