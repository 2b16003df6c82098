import { join } from "node:path";
import type { ContenderRequest, ContenderResponse } from "./protocol.ts";

/** A process that takes part in a comparison: a process supports one database, so each contender has its own. */
export interface Contender {
  request<Result>(name: string, given?: unknown): Promise<Result>;
  stop(): Promise<void>;
}

/** Starts `program`, a file of this folder that calls `serveRequests`. */
export function startContender(program: string, env: Record<string, string> = {}): Contender {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = 0;
  const { DATABASE_URL: _, REDIS_URL: __, ...outer } = process.env;
  const child = Bun.spawn([process.execPath, join(import.meta.dir, program)], {
    env: { ...outer, ...env },
    stdio: ["ignore", "inherit", "inherit"],
    ipc({ id, result, error }: ContenderResponse) {
      if (error === undefined) waiting.get(id)?.resolve(result);
      else waiting.get(id)?.reject(new Error(`${program}: ${error}`));
      waiting.delete(id);
    },
    onExit() {
      for (const { reject } of waiting.values()) reject(new Error(`${program} ended`));
    },
  });
  return {
    request<Result>(name: string, given: unknown = null) {
      const order: ContenderRequest = { id: ++lastId, name, given };
      const answer = Promise.withResolvers<unknown>();
      waiting.set(order.id, answer);
      child.send(order);
      return answer.promise as Promise<Result>;
    },
    async stop() {
      child.disconnect();
      await child.exited;
    },
  };
}
