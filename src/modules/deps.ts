import type { Channel, LoginCheck, MailLogin } from "../channels/channel.ts";
import type { SendSystemMail } from "../channels/email/system-mail.ts";
import type { Store } from "../db/store.ts";
import type { BodySettings } from "../http/middleware/body-budget.ts";
import type { BackgroundTasks } from "../lib/background-tasks.ts";
import type { Clock } from "../lib/clock.ts";
import type { Signer, Vault } from "../lib/crypto/secrets.ts";
import type { Log } from "../lib/logger.ts";
import type { PrivateNetwork } from "../lib/network/private-networks.ts";
import type { Random } from "../lib/random.ts";
import type { S3Settings } from "../lib/storage/s3.ts";
import type { FileStorage } from "../lib/storage/storage.ts";
import type { Catalog } from "./chargebee/catalog.ts";
import type { ChargebeeSite } from "./chargebee/site.ts";
import type { SecurityFindings } from "./security/findings.ts";

export interface ChargebeeSettings {
  /** The credentials that webhooks must show; null: webhooks are refused. */
  webhook: { user: string; password: string } | null;
  /** The site that is queried for events that never arrived; null: none. */
  site: ChargebeeSite | null;
  /** The credits that each item price grants. */
  catalog: Catalog;
}

/** The settings that modules use. The whole configuration, which only the server has, extends it. */
export interface Settings {
  /** The URL by which others reach this service; unsubscribe links begin with it. No trailing slash. */
  publicUrl: string;
  /** The header in which a trusted proxy names the client's address, or null when clients connect directly. */
  clientAddressHeader: string | null;
  signUp: "open" | "closed";
  /** Time without use after which a session ends. */
  sessionIdleMs: number;
  /** Time for which a sign-in counts as recent, for operations that want the password again. */
  reauthWindowMs: number;
  /** The folder of the SQLite file, the key file, images, imports in progress and the lock. */
  dataDir: string;
  /** Bytes of the data folder's file system that uploads and imports leave free. */
  minFreeDiskBytes: number;
  /** The bucket for images; null: the data folder. */
  s3: S3Settings | null;
  /** `simulator`: nothing leaves this machine; messages go to simulated contacts, who reply. */
  channels: "live" | "simulator";
  /** True when every mailbox may name SMTP servers on any address and port, and without TLS. For a single tenant, or a test. */
  allowPrivateSmtp: boolean;
  /** Networks of the operator's own where admins may place mailboxes. */
  privateSmtpNetworks: readonly PrivateNetwork[];
  chargebee: ChargebeeSettings;
  /** Limits of memory and time for request bodies. */
  bodies: BodySettings;
  /** Below this sentiment (-1…1) a reply is hostile and bans its sender. */
  hostileBelow: number;
}

/** Dependencies of routes and background work, created by the server, and by tests for themselves. */
export interface Deps {
  config: Settings;
  store: Store;
  clock: Clock;
  random: Random;
  log: Log;
  vault: Vault;
  /** Signs unsubscribe links. */
  signer: Signer;
  channel: Channel;
  files: FileStorage;
  /** Runs work that no request waits for, so that a stop can end it. */
  background: BackgroundTasks;
  /** Logs in at the server of a mailbox. */
  verifyMailbox(login: MailLogin): Promise<LoginCheck>;
  /** Sends mail of the service itself; null when no system mailbox is configured. */
  sendSystemMail: SendSystemMail | null;
  /** Wakes the delivery engine. Cheap; call it after every commit that schedules messages or frees credits. */
  wake(): void;
  /** Insecure settings of this process. */
  security: SecurityFindings;
  /** Null when none is configured. `ping` rejects while Redis does not answer, possibly after a while. */
  redis: { ping(): Promise<void> } | null;
}
