import type { TestApp } from "./app.ts";
import { PASSWORD, type Sent } from "./doors.ts";

// Calls of the identity routes.

export interface SignedIn {
  token: string;
  user: { id: string };
}

export function session(app: TestApp, sent: Sent) {
  return app.request<{ user: { id: string } }>("GET", "/api/auth/session", sent);
}

export function signIn(app: TestApp, email: string, password = PASSWORD, headers: Record<string, string> = {}) {
  return app.request<SignedIn>("POST", "/api/auth/sign-in/email", { body: { email, password }, headers });
}

export async function idOf(app: TestApp, token: string): Promise<string> {
  return (await session(app, { token })).body.user.id;
}

/** Creates an API key for the user with this token. */
export async function keyOf(app: TestApp, token: string, more = {}): Promise<{ id: string; key: string }> {
  const sent = { token, body: { name: "k", ...more } };
  return (await app.request<{ id: string; key: string }>("POST", "/api/auth/api-keys", sent)).body;
}

/** Returns the first cookie of a response, as a browser sends it back. */
export function cookieOf(answer: { headers: Headers }): string {
  return answer.headers.getSetCookie()[0]?.split(";")[0] ?? "";
}
