import { join } from "node:path";
import { findFreePort, findProgram, isListening, TempServer } from "./temp-server.ts";

export interface ImapServer {
  port: number;
  stop(): Promise<void>;
}

/** Password of every mailbox. */
export const IMAP_PASSWORD = "mailbox-password";

/** Finds Dovecot 2.3: 2.4 reads another configuration language. */
export function findDovecot(): string | null {
  const program = findProgram("dovecot");
  if (!program || process.getuid?.() !== 0) return null;
  return Bun.spawnSync([program, "--version"]).stdout.toString().startsWith("2.3.") ? program : null;
}

/** Starts a temporary Dovecot on the Maildirs of a folder, each named like the local part of its address. */
export async function startImap(maildirs: string, owner: { uid: number; gid: number }): Promise<ImapServer> {
  const program = findDovecot();
  if (!program) throw new Error("Dovecot 2.3 is not installed, or this is not root");
  // SIGTERM takes seconds until its children have ended; after SIGKILL they end at once.
  const home = new TempServer("dovecot", "run/master.pid", "KILL");
  const port = findFreePort();
  const configuration = join(home.folder, "dovecot.conf");
  await Bun.write(
    configuration,
    `
base_dir = ${home.folder}/run
state_dir = ${home.folder}/state
log_path = /dev/stderr
protocols = imap
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = maildir:${maildirs}/%n
first_valid_uid = ${owner.uid}
passdb {
  driver = static
  args = password=${IMAP_PASSWORD}
}
userdb {
  driver = static
  args = uid=${owner.uid} gid=${owner.gid} home=${maildirs}/%n
}
service imap-login {
  chroot =
  inet_listener imap {
    address = 127.0.0.1
    port = ${port}
  }
  inet_listener imaps {
    port = 0
  }
}
`,
  );
  await home.start([program, "-F", "-c", configuration], () => isListening(port));
  return { port, stop: () => home.remove() };
}
