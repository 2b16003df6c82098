import type { SmtpChannel, SmtpOptions } from "./smtp.ts";

/** Opens the SMTP channel on first use: its libraries take longer to load than the service to start. */
export function lazySmtp(options: SmtpOptions): SmtpChannel {
  let opened: Promise<SmtpChannel> | null = null;
  const open = () => {
    opened ??= import("./smtp.ts").then(({ createSmtpChannel: smtpChannel }) => smtpChannel(options));
    return opened;
  };
  return {
    send: async (envelope, before) => (await open()).send(envelope, before),
    verify: async (login) => (await open()).verify(login),
    async close() {
      await (await opened)?.close();
    },
  };
}
