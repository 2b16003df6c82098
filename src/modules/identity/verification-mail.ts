import type { SystemMail } from "../../channels/email/system-mail.ts";
import type { PendingMail } from "./verification.ts";

// These mails contain no input of the sign-up but the address: they may go to a person who did not sign up.

/** Renders the mail for a sign-up or a requested link. */
export function verificationMail(owed: PendingMail, publicUrl: string): SystemMail {
  const host = new URL(publicUrl).host;
  if (owed.kind === "HAS_ACCOUNT") {
    return {
      to: owed.email,
      subject: `You already have an account at ${host}`,
      text: `An account at ${publicUrl} was requested with this e-mail address. The address has an account already: sign in with it.\n\nIf you did not request it, ignore this mail: nothing has changed.\n`,
    };
  }
  return {
    to: owed.email,
    subject: `Confirm your e-mail address for ${host}`,
    text: `An account at ${publicUrl} was requested with this e-mail address. If you requested it, open this link within three days and choose your password:\n\n${publicUrl}/api/auth/verify-email#token=${owed.token}\n\nIf you did not request it, ignore this mail: the account cannot be used without this link.\n`,
  };
}
