import type { Channel, LoginCheck, MailLogin } from "../channels/channel.ts";
import { lazySmtp } from "../channels/email/lazy-smtp.ts";
import type { Store } from "../db/store.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/logger.ts";
import type { Config } from "./config/config.ts";

/** Messages being sent at the same time from one mailbox, which is also the number of its connections. */
export const SENDER_CONCURRENCY = 4;

export interface Channels {
  /** The channel that messages leave by: live, or simulated. */
  channel: Channel;
  verifyMailbox(login: MailLogin): Promise<LoginCheck>;
  close(): Promise<void>;
}

/** Opens the channel that the configuration names. Logins are verified by SMTP also where the channel is simulated. */
export async function openChannels(options: {
  config: Config;
  store: Store;
  clock: Clock;
  log: Log;
}): Promise<Channels> {
  const { config } = options;
  const smtp = lazySmtp({
    allowPrivateHosts: config.allowPrivateSmtp,
    privateNetworks: config.privateSmtpNetworks,
    poolPerSender: SENDER_CONCURRENCY,
    gmail: config.gmail,
  });
  const channel = config.channels === "simulator" ? await openSimulator(options) : smtp;
  return {
    channel,
    verifyMailbox: (login) => smtp.verify(login),
    async close() {
      await channel.close();
      if (channel !== smtp) await smtp.close();
    },
  };
}

/** Loads the simulator only where it is used. */
async function openSimulator({ config, ...rest }: Parameters<typeof openChannels>[0]): Promise<Channel> {
  const { openSimulatorChannel: liveWorld } = await import("../simulator/live.ts");
  return liveWorld({ ...config, ...rest });
}
