import { SECOND } from "../lib/clock.ts";
import type { Log } from "../lib/logger.ts";
import { settlesBefore } from "../lib/timeout.ts";
import type { Runtime } from "./runtime.ts";

/** Share of the stop timeout after which requests are refused and sends broken off. */
const REFUSE_AFTER_SHARE = 0.75;
/** Share after which the connections of clients and of the database are closed. */
const CLOSE_AFTER_SHARE = 0.9;
/** Share after which the stop no longer waits for them to close. */
const GIVE_UP_AFTER_SHARE = 0.95;

export interface Stop {
  runtime: Runtime;
  log: Log;
  /** Refuses new requests and waits for those in progress until a time by `performance.now()`; returns how many got no answer. */
  drainRequests(deadline: number): Promise<number>;
  /** Counts the requests in progress. */
  countRequests(): number;
}

/**
 * Stops a service within STOP_TIMEOUT_SECONDS in all: requests, sends and imports finish side by side. After three quarters
 * of the time the rest is ended with a known outcome: a request can commit nothing and is answered 503, a mail whose last
 * byte was not written is not sent. Then everything is closed.
 */
export async function stopWithin({ runtime, log, drainRequests, countRequests }: Stop): Promise<void> {
  const { config } = runtime;
  const { background } = runtime.deps;
  const began = performance.now();
  const at = (share: number) => began + share * config.stopTimeoutSeconds * SECOND;
  const left = (share: number) => Math.max(0, at(share) - performance.now());
  const countInProgress = () => ({
    requests: countRequests(),
    sends: runtime.engine.unsettled,
    imports: background.count("import"),
  });
  const initial = countInProgress();
  log.info("service.stopping", { ...initial, withinSeconds: config.stopTimeoutSeconds });
  background.stop();
  let unanswered = 0;
  const requestsDrained = drainRequests(at(CLOSE_AFTER_SHARE)).then((left) => {
    unanswered = left;
  });
  const sendsDrained = runtime.drain(left(REFUSE_AFTER_SHARE));
  await settlesBefore(at(REFUSE_AFTER_SHARE), Promise.all([requestsDrained, sendsDrained, background.ended()]));

  const ended = countInProgress();
  runtime.refuseWrites();
  await runtime.breakOffSends(left(CLOSE_AFTER_SHARE));
  await settlesBefore(at(GIVE_UP_AFTER_SHARE), Promise.all([requestsDrained, background.ended()]));
  await settlesBefore(at(1), runtime.close());
  log.info("service.stopped", {
    milliseconds: Math.round(performance.now() - began),
    onItsWay: initial,
    broughtToAnEnd: ended,
    unansweredRequests: unanswered,
    unsettledSends: runtime.engine.unsettled,
  });
}
