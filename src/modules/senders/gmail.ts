import { createPrivateKey } from "node:crypto";
import type { GoogleGrant } from "../../channels/channel.ts";
import { AppError, invalid } from "../../lib/errors.ts";
import type { GmailCredentials } from "./model.ts";

/** Google's own domains, whose addresses belong to no Workspace. */
const CONSUMER_DOMAINS = new Set(["gmail.com", "googlemail.com"]);

/** Gets the Google Workspace domain of a mailbox at Google; null for a private mailbox. */
export function getWorkspaceDomain(email: string, type: GoogleGrant["type"]): string | null {
  const domain = email.slice(email.lastIndexOf("@") + 1);
  return type !== "SERVICE_ACCOUNT" && CONSUMER_DOMAINS.has(domain) ? null : domain;
}

/**
 * Builds the Google credentials from a request that gives one of three kinds; null when it gives none.
 * @throws AppError INVALID for more than one kind, or for a key that is not an RSA private key
 */
export function buildGoogleGrant({ oauth, serviceAccountKey, password }: GmailCredentials): GoogleGrant | null {
  const given = [oauth, serviceAccountKey, password ?? undefined].filter((one) => one !== undefined);
  if (given.length > 1) throw invalid("oauth", "expected only one of oauth, serviceAccountKey and password");
  if (oauth) return { type: "OAUTH", ...oauth };
  if (serviceAccountKey) {
    const { client_email: clientEmail, private_key: privateKey } = serviceAccountKey;
    assertRsaKey(privateKey);
    return { type: "SERVICE_ACCOUNT", clientEmail, privateKey };
  }
  return password ? { type: "SMTP", password } : null;
}

function assertRsaKey(privateKey: string): void {
  try {
    if (createPrivateKey(privateKey).asymmetricKeyType === "rsa") return;
  } catch {}
  throw invalid("serviceAccountKey.private_key", "expected the RSA private key from a JSON key file, unchanged");
}

/** Gets the request field that a failed login is about. */
export function getGrantField({ type }: GoogleGrant): string {
  return { OAUTH: "oauth", SERVICE_ACCOUNT: "serviceAccountKey", SMTP: "password" }[type];
}

/** @throws AppError UNAVAILABLE for JSON that is not a stored grant */
export function parseGoogleGrant(opened: string): GoogleGrant {
  const grant: unknown = JSON.parse(opened);
  if (typeof grant === "object" && grant !== null && "type" in grant) return grant as GoogleGrant;
  throw new AppError("UNAVAILABLE", "A stored login cannot be parsed");
}
