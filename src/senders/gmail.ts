import { createPrivateKey } from "node:crypto";
import type { GoogleGrant } from "../channels/channel.ts";
import { Fault, invalid } from "../fault.ts";
import type { GmailCredentials } from "./model.ts";

/** Google's own domains: whoever has an address there is no Workspace's. */
const CONSUMER_DOMAINS = new Set(["gmail.com", "googlemail.com"]);

/** The Google Workspace domain of a mailbox at Google; null for a private one. */
export function workspaceDomainOf(email: string, type: GoogleGrant["type"]): string | null {
  const domain = email.slice(email.lastIndexOf("@") + 1);
  return type !== "SERVICE_ACCOUNT" && CONSUMER_DOMAINS.has(domain) ? null : domain;
}

/**
 * What is shown to Google, of the three ways there are; null when none was given.
 * @throws Fault INVALID when more than one was, or a key that is none
 */
export function grantOf({ oauth, serviceAccountKey, password }: GmailCredentials): GoogleGrant | null {
  const given = [oauth, serviceAccountKey, password ?? undefined].filter((one) => one !== undefined);
  if (given.length > 1) throw invalid("oauth", "expected only one of oauth, serviceAccountKey and password");
  if (oauth) return { type: "OAUTH", ...oauth };
  if (serviceAccountKey) {
    const { client_email: clientEmail, private_key: privateKey } = serviceAccountKey;
    checkKey(privateKey);
    return { type: "SERVICE_ACCOUNT", clientEmail, privateKey };
  }
  return password ? { type: "SMTP", password } : null;
}

function checkKey(privateKey: string): void {
  try {
    if (createPrivateKey(privateKey).asymmetricKeyType === "rsa") return;
  } catch {}
  throw invalid("serviceAccountKey.private_key", "expected the private key of a JSON key file, as it stands there");
}

/** The field that a failed login is about. */
export function fieldOf({ type }: GoogleGrant): string {
  return { OAUTH: "oauth", SERVICE_ACCOUNT: "serviceAccountKey", SMTP: "password" }[type];
}

/** A stored grant, read back. */
export function readGrant(opened: string): GoogleGrant {
  const grant: unknown = JSON.parse(opened);
  if (typeof grant === "object" && grant !== null && "type" in grant) return grant as GoogleGrant;
  throw new Fault("UNAVAILABLE", "a stored login cannot be read");
}
