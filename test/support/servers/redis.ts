import { join } from "node:path";
import { findFreePort, findProgram, isListening, TempServer } from "./temp-server.ts";

export interface RedisServer {
  url: string;
  /** Restarts empty on the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export function findRedis(): string | null {
  return findProgram("redis-server");
}

/** Starts a temporary Redis that writes nothing to disk. */
export async function startRedis(): Promise<RedisServer> {
  const program = findRedis();
  if (!program) throw new Error("Redis is not installed");
  const home = new TempServer("redis", "redis.pid");
  const port = findFreePort();
  const options = Object.entries({
    port: `${port}`,
    bind: "127.0.0.1",
    dir: home.folder,
    pidfile: join(home.folder, "redis.pid"),
    save: "",
    appendonly: "no",
  }).flatMap(([name, value]) => [`--${name}`, value]);

  const start = () => home.start([program, ...options], () => isListening(port));
  await start();

  return {
    url: `redis://127.0.0.1:${port}`,
    async restart() {
      await home.end();
      await start();
    },
    stop: () => home.remove(),
  };
}
