import { eq } from "drizzle-orm";
import { brands } from "../db/schema/brands.ts";
import type { Tx } from "../db/store.ts";
import { invalid, notFound } from "../fault.ts";
import type { Vault } from "../secrets.ts";

/** What a brand sends its SMS with. Absent: stays as it is; null: is taken away. */
export interface TwilioChange {
  twilioAccountSid?: string | null | undefined;
  twilioAuthToken?: string | null | undefined;
  twillioMessagingServiceSid?: string | null | undefined;
}

/** Where a brand's Twilio token is sealed for. */
export function twilioTokenContext(brandId: string): string {
  return `brands|${brandId}|twilio_auth_token`;
}

/**
 * Changes a brand's Twilio account. A form that was left empty means: no SID, but the token as it was, since nobody is
 * shown the token that could be sent back. INVALID for what cannot be a SID.
 */
export async function changeTwilio(tx: Tx, vault: Vault, brandId: string, change: TwilioChange): Promise<void> {
  const accountSid = readSid("twilioAccountSid", "AC", change.twilioAccountSid);
  const serviceSid = readSid("twillioMessagingServiceSid", "MG", change.twillioMessagingServiceSid);
  const token = change.twilioAuthToken?.trim() === "" ? undefined : change.twilioAuthToken?.trim();
  const cleared = change.twilioAuthToken === null;
  const changed = await tx
    .update(brands)
    .set({
      ...(accountSid === undefined ? {} : { twilioAccountSid: accountSid }),
      ...(serviceSid === undefined ? {} : { twillioMessagingServiceSid: serviceSid }),
      ...(token === undefined ? {} : { twilioAuthToken: vault.seal(token, twilioTokenContext(brandId)) }),
      ...(cleared ? { twilioAuthToken: null } : {}),
      updatedAt: tx.now,
    })
    .where(eq(brands.id, brandId))
    .returning({ id: brands.id });
  if (changed.length === 0) throw notFound("brand", brandId);
}

/** A SID as Twilio writes them; undefined leaves it, null clears it. */
function readSid(field: string, prefix: string, given: string | null | undefined): string | null | undefined {
  if (given === undefined || given === null) return given;
  const sid = given.trim();
  if (sid === "") return null;
  if (!new RegExp(`^${prefix}[0-9a-fA-F]{32}$`).test(sid)) {
    throw invalid(field, `expected ${prefix} and 32 hexadecimal digits`);
  }
  return sid;
}
