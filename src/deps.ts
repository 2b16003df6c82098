import type { BackgroundWork } from "./background.ts";
import type { Channel, MailLogin, Verified } from "./channels/channel.ts";
import type { SendSystemMail } from "./channels/systemMail.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config.ts";
import type { Store } from "./db/store.ts";
import type { Files } from "./files/files.ts";
import type { Log } from "./log.ts";
import type { Random } from "./random.ts";
import type { Signer, Vault } from "./secrets.ts";
import type { SecurityFindings } from "./security/findings.ts";

/** Dependencies of routes and workers; created by `main.ts`, and by tests for themselves. */
export interface Deps {
  config: Config;
  store: Store;
  clock: Clock;
  random: Random;
  log: Log;
  vault: Vault;
  /** Signs unsubscribe links. */
  signer: Signer;
  channel: Channel;
  files: Files;
  /** Runs work that no request waits for, so that a stop can end it. */
  background: BackgroundWork;
  /** Logs in at the server of a mailbox. */
  verifyMailbox(login: MailLogin): Promise<Verified>;
  /** Sends mail of the service itself; null when no system mailbox is configured. */
  sendSystemMail: SendSystemMail | null;
  /** Wakes the delivery engine. Cheap; call it after every commit that schedules messages or frees credits. */
  wake(): void;
  /** Insecure settings of this process. */
  security: SecurityFindings;
  /** Null when none is configured. `ping` rejects while Redis does not answer, possibly after a while. */
  redis: { ping(): Promise<void> } | null;
}
