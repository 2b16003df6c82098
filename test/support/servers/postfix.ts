import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type ImapServer, startImap } from "./dovecot.ts";
import { findFreePort, findProgram, isListening, TempServer } from "./temp-server.ts";

export interface MailServer {
  smtpPort: number;
  /** Null without the option `imap`. */
  imapPort: number | null;
  /** Adds a mailbox of the domain reprise.test. SMTP connections opened before do not know it. */
  addMailbox(address: string): void;
  /** Returns the mails delivered so far, raw, oldest first. Delivery follows the server's 250 by some milliseconds. */
  read(address: string): Promise<string[]>;
  /** Stops the server, so that its port refuses; `resume` starts it again with the same port and mail. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
}

/** Owner of the Maildirs: Postfix does not deliver as root. */
const owner = { uid: 65534, gid: 65534 };

/** Finds Postfix; null for users other than root, who cannot start it. */
export function findPostfix(): string | null {
  return process.getuid?.() === 0 ? findProgram("postfix") : null;
}

/**
 * Starts a temporary Postfix for the domain reprise.test. It delivers into Maildirs, refuses unknown recipients
 * (550 5.1.1), relays nothing, and uses no name server. With `imap`, a Dovecot serves the Maildirs; the password is
 * `IMAP_PASSWORD`.
 */
export async function startMailServer({ imap = false } = {}): Promise<MailServer> {
  const program = findPostfix();
  if (!program) throw new Error("Postfix is not installed, or this is not root");
  const home = new TempServer("postfix", "queue/pid/master.pid");
  const port = findFreePort();
  const configuration = join(home.folder, "etc");
  const maildirs = join(home.folder, "mail");
  for (const folder of [configuration, maildirs, join(home.folder, "queue")]) mkdirSync(folder);
  // The parts of Postfix run as several users, and each has to reach its folders.
  chmodSync(home.folder, 0o755);
  chownSync(maildirs, owner.uid, owner.gid);
  const mailboxes = new Set<string>();
  writeTable(home.folder, mailboxes);
  writeFileSync(join(configuration, "main.cf"), settings(home.folder));
  writeFileSync(join(configuration, "master.cf"), services(port));

  const start = () => home.start([program, "-c", configuration, "start-fg"], () => isListening(port));
  await start();
  const imapServer: ImapServer | null = imap ? await startImap(maildirs, owner) : null;

  return {
    smtpPort: port,
    imapPort: imapServer?.port ?? null,
    addMailbox(address) {
      mailboxes.add(address.toLowerCase());
      writeTable(home.folder, mailboxes);
    },
    read: async (address) => readMaildir(join(maildirs, folderOf(address))),
    pause: () => home.end(),
    resume: start,
    async stop() {
      await imapServer?.stop();
      await home.remove();
    },
  };
}

function folderOf(address: string): string {
  return address.toLowerCase().replace(/@reprise\.test$/, "");
}

/** Writes the table of addresses and Maildirs, dated back: Postfix waits seconds before it reads a fresh one. */
function writeTable(home: string, mailboxes: Set<string>): void {
  const next = join(home, "etc", "mailboxes.next");
  writeFileSync(next, [...mailboxes].map((address) => `${address} ${folderOf(address)}/\n`).join(""));
  utimesSync(next, 0, 0);
  renameSync(next, join(home, "etc", "mailboxes"));
}

/** Reads both folders of a Maildir: a mail moves from `new` to `cur` when IMAP has shown it. The first delivery creates them. */
function readMaildir(maildir: string): string[] {
  return ["new", "cur"]
    .map((name) => join(maildir, name))
    .flatMap((folder) => (existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []))
    .sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs)
    .map((path) => readFileSync(path, "utf8"));
}

function settings(home: string): string {
  return `
compatibility_level = 3.6
queue_directory = ${home}/queue
data_directory = ${home}/data
maillog_file = ${home}/log
maillog_file_prefixes = ${home}
myhostname = mail.reprise.test
mydestination =
alias_maps =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = reprise.test
virtual_mailbox_maps = texthash:${home}/etc/mailboxes
virtual_mailbox_base = ${home}/mail
virtual_uid_maps = static:${owner.uid}
virtual_gid_maps = static:${owner.gid}
virtual_mailbox_limit = 0
message_size_limit = 52428800
smtpd_relay_restrictions = reject_unauth_destination
default_transport = error:5.7.1 this server relays nothing
smtpd_peername_lookup = no
disable_dns_lookups = yes
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
in_flow_delay = 0
`;
}

/** Configuration in which a process looks mailboxes up once (max_use=1): it reads the table only when it starts. */
function services(port: number): string {
  return `
127.0.0.1:${port} inet n - n - - smtpd -o max_use=1
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual -o max_use=1
postlog unix-dgram n - n - 1 postlogd
`;
}
