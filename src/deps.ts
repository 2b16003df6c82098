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

/** What the edges are given; `main.ts` makes it, tests make their own. */
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
  /** Runs what no request waits for, so that a stop can end it. */
  background: BackgroundWork;
  /** Tries a mailbox's login for real. */
  verifyMailbox(login: MailLogin): Promise<Verified>;
  /** Writes to people in the name of the service; null when no system mailbox is configured. */
  sendSystemMail: SendSystemMail | null;
  /** Tells the delivery engine that something may be due. Cheap; call it after every commit that schedules or frees. */
  wake(): void;
  /** What is insecure in how this process is set up. */
  security: SecurityFindings;
  /** Null when none is configured. `ping` rejects while it does not answer, and may take its time to. */
  redis: { ping(): Promise<void> } | null;
}
