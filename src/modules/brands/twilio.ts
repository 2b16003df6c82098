import { eq } from "drizzle-orm";
import { brands } from "../../db/schema/brands.ts";
import type { Tx } from "../../db/store.ts";
import type { Vault } from "../../lib/crypto/secrets.ts";
import { invalid, notFound } from "../../lib/errors.ts";

/** The Twilio account with which a brand sends SMS. Absent fields stay unchanged, null clears a field. */
interface TwilioUpdate {
  twilioAccountSid?: string | null | undefined;
  twilioAuthToken?: string | null | undefined;
  twillioMessagingServiceSid?: string | null | undefined;
}

/** Names the row and column that a Twilio token is encrypted for, so that it decrypts nowhere else. */
export function getTwilioTokenContext(brandId: string): string {
  return `brands|${brandId}|twilio_auth_token`;
}

/**
 * Updates a brand's Twilio account. An empty text clears a SID but keeps the token: forms never show the token, so an empty
 * field is no order to clear it.
 * @throws AppError INVALID for a malformed SID, NOT_FOUND
 */
export async function updateTwilio(tx: Tx, vault: Vault, brandId: string, change: TwilioUpdate): Promise<void> {
  const accountSid = parseSid("twilioAccountSid", "AC", change.twilioAccountSid);
  const serviceSid = parseSid("twillioMessagingServiceSid", "MG", change.twillioMessagingServiceSid);
  const token = change.twilioAuthToken?.trim() === "" ? undefined : change.twilioAuthToken?.trim();
  const cleared = change.twilioAuthToken === null;
  const changed = await tx
    .update(brands)
    .set({
      ...(accountSid === undefined ? {} : { twilioAccountSid: accountSid }),
      ...(serviceSid === undefined ? {} : { twillioMessagingServiceSid: serviceSid }),
      ...(token === undefined ? {} : { twilioAuthToken: vault.encrypt(token, getTwilioTokenContext(brandId)) }),
      ...(cleared ? { twilioAuthToken: null } : {}),
      updatedAt: tx.now,
    })
    .where(eq(brands.id, brandId))
    .returning({ id: brands.id });
  if (changed.length === 0) throw notFound("brand", brandId);
}

/** Parses a Twilio SID; undefined keeps the stored one, null clears it. */
function parseSid(field: string, prefix: string, given: string | null | undefined): string | null | undefined {
  if (given === undefined || given === null) return given;
  const sid = given.trim();
  if (sid === "") return null;
  if (!new RegExp(`^${prefix}[0-9a-fA-F]{32}$`).test(sid)) {
    throw invalid(field, `expected ${prefix} and 32 hexadecimal digits`);
  }
  return sid;
}
