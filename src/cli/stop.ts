import { SECOND } from "../clock.ts";
import type { Log } from "../log.ts";
import type { Runtime } from "../runtime.ts";
import { endsBefore } from "../within.ts";

/** The share of a stop's time after which what is still on its way is ended: requests are refused, sends broken off. */
const END_AFTER = 0.75;
/** And the share after which the connections of clients and of the database are closed. */
const CLOSE_AFTER = 0.9;
/** And that after which closing them is waited for no longer. */
const CLOSED_AFTER = 0.95;

export interface Stop {
  runtime: Runtime;
  log: Log;
  /** Refuses new requests and waits for those being answered, until a time by `performance.now()`; returns how many had no answer. */
  drainRequests(deadline: number): Promise<number>;
  /** Requests being answered now. */
  answering(): number;
}

/**
 * Stops a service within STOP_TIMEOUT_SECONDS, counted once for all of it: requests, sends and imports come to their ends
 * side by side. What has not done so after three quarters of the time is ended in a way that is known: a request can commit
 * nothing any more and is answered 503, a mail whose last byte is not out is not sent. Then all is closed.
 */
export async function stopWithin({ runtime, log, drainRequests, answering }: Stop): Promise<void> {
  const { background, config } = runtime.deps;
  const began = performance.now();
  const at = (share: number) => began + share * config.stopTimeoutSeconds * SECOND;
  const left = (share: number) => Math.max(0, at(share) - performance.now());
  const onItsWay = () => ({
    requests: answering(),
    sends: runtime.engine.onItsWay,
    imports: background.count("import"),
  });
  const atFirst = onItsWay();
  log.info("service.stopping", { ...atFirst, withinSeconds: config.stopTimeoutSeconds });
  background.stop();
  let unanswered = 0;
  const requestsDrained = drainRequests(at(CLOSE_AFTER)).then((left) => {
    unanswered = left;
  });
  const sendsDrained = runtime.drain(left(END_AFTER));
  await endsBefore(at(END_AFTER), Promise.all([requestsDrained, sendsDrained, background.ended()]));

  const ended = onItsWay();
  runtime.refuseWrites();
  await runtime.breakOffSends(left(CLOSE_AFTER));
  await endsBefore(at(CLOSED_AFTER), Promise.all([requestsDrained, background.ended()]));
  await endsBefore(at(1), runtime.close());
  log.info("service.stopped", {
    milliseconds: Math.round(performance.now() - began),
    onItsWay: atFirst,
    broughtToAnEnd: ended,
    unansweredRequests: unanswered,
    unsettledSends: runtime.engine.onItsWay,
  });
}
