import { closeSync, writeSync } from "node:fs";
import { openPrivateAppend } from "../lib/data-folder/private-files.ts";
import type { Delivery } from "./world.ts";

/** Writes the messages that simulated recipients received to a file that several processes share. */
export interface Journal {
  append(delivery: Delivery): void;
  close(): void;
}

/** Opens a journal that appends one line for each delivery at once, so that a crash loses none. */
export function openJournal(path: string): Journal {
  const file = openPrivateAppend(path);
  return {
    append({ messageId, to, senderId, at }) {
      writeSync(file, `${JSON.stringify({ messageId, to, senderId, at })}\n`);
    },
    close: () => closeSync(file),
  };
}
