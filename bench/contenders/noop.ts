import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { serveRequests } from "./protocol.ts";

// BullMQ with empty jobs.

const BATCH_JOBS = 500;
const connection = () => new Redis(process.env.REDIS_URL ?? "", { maxRetriesPerRequest: null });
const [producer, consumer] = [connection(), connection()];
const queue = new Queue("noop", { connection: producer, defaultJobOptions: { removeOnComplete: true } });

serveRequests({
  /** Runs jobs through Redis. Returns jobs a second and microseconds of processor time per job. */
  async round(jobs: number) {
    for (let at = 0; at < jobs; at += BATCH_JOBS)
      await queue.addBulk(Array.from({ length: BATCH_JOBS }, () => ({ name: "noop", data: {} })));
    const before = process.cpuUsage();
    const started = performance.now();
    let done = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const worker = new Worker("noop", async () => {}, { connection: consumer, concurrency: 100 });
    worker.on("completed", () => {
      if (++done === jobs) resolve();
    });
    await promise;
    const rate = (jobs / (performance.now() - started)) * 1000;
    const { user, system } = process.cpuUsage(before);
    await worker.close();
    return { rate, microseconds: (user + system) / jobs };
  },
  async close() {
    await queue.close();
    producer.disconnect();
    consumer.disconnect();
  },
});
