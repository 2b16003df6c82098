import { existsSync, readFileSync, statSync } from "node:fs";
import { waitUntil } from "../support/servers/temp-server.ts";

/** Message that the simulator received. */
export interface Arrival {
  messageId: string;
  to: string;
  /** Epoch milliseconds. */
  at: number;
}

export function loadArrivals(path: string): Arrival[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Arrival);
}

/** Resolves while messages are being sent, or after `patience` milliseconds without one. */
export async function waitForSend(path: string, patience: number): Promise<void> {
  const size = () => (existsSync(path) ? statSync(path).size : 0);
  const before = size();
  await waitUntil("something is sent", async () => size() > before, patience, 1).catch(() => {});
}
