import { iso } from "../../lib/clock.ts";
import type { Deps } from "../deps.ts";
import type { InvitationRow } from "./invitations.ts";

/** Longest part of a mail server's answer that is passed on. */
const MAX_REASON_CHARS = 300;

/** The result of mailing an invitation. The link works without the mail. */
export interface SentInvitation {
  url: string;
  mailed: boolean;
  mailError: string | null;
}

/**
 * Mails an invitation where a system mailbox is configured. Never throws: the response to the admin contains the reason of
 * a failure.
 */
export async function mailInvitation(
  { sendSystemMail, config, log }: Pick<Deps, "sendSystemMail" | "config" | "log">,
  { row, token }: { row: InvitationRow; token: string },
): Promise<SentInvitation> {
  const url = `${config.publicUrl}/api/auth/invitation#token=${token}`;
  if (sendSystemMail === null) return { url, mailed: false, mailError: null };
  const day = iso(row.expiresAt).slice(0, 10);
  try {
    await sendSystemMail({
      to: row.email,
      subject: `Your invitation to ${new URL(config.publicUrl).host}`,
      text: `You are invited to ${config.publicUrl}. Open this link before ${day} and choose your password:\n\n${url}\n\nIf you did not expect this invitation, ignore this mail.\n`,
    });
    return { url, mailed: true, mailError: null };
  } catch (error) {
    log.error("system_mail.not_sent", { to: row.email, kind: "INVITATION", error });
    const reason = error instanceof Error ? error.message : String(error);
    return { url, mailed: false, mailError: reason.slice(0, MAX_REASON_CHARS) };
  }
}
