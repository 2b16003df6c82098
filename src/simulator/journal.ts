import { closeSync, writeSync } from "node:fs";
import { openPrivateAppend } from "../privateFiles.ts";
import type { Delivery } from "./world.ts";

/** What arrived in the simulated world, in a file that several processes share and that outlives them. */
export interface Journal {
  note(delivery: Delivery): void;
  close(): void;
}

/** One line for each delivery, written at once to the end of the file: what was noted is noted, whenever the process dies. */
export function openJournal(path: string): Journal {
  const file = openPrivateAppend(path);
  return {
    note({ messageId, to, senderId, at }) {
      writeSync(file, `${JSON.stringify({ messageId, to, senderId, at })}\n`);
    },
    close: () => closeSync(file),
  };
}
