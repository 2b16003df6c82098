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
      text: `Somebody asked for an account at ${publicUrl} with this e-mail address. You have one already: sign in with it.\n\nIf it was not you, do nothing: nothing has changed.\n`,
    };
  }
  return {
    to: owed.email,
    subject: `Confirm your e-mail address for ${host}`,
    text: `Somebody asked for an account at ${publicUrl} with this e-mail address. If it was you, open this link within three days and choose your password:\n\n${publicUrl}/api/auth/verify-email#token=${owed.token}\n\nIf it was not you, do nothing: without this link nobody can use the account.\n`,
  };
}
