import { type ApiRequest, PASSWORD } from "./api-client.ts";
import type { TestApp } from "./app.ts";

// Calls of the identity routes.

export interface SignInView {
  token: string;
  user: { id: string };
}

export function requestSession(app: TestApp, sent: ApiRequest) {
  return app.request<{ user: { id: string } }>("GET", "/api/auth/session", sent);
}

export function requestSignIn(app: TestApp, email: string, password = PASSWORD, headers: Record<string, string> = {}) {
  return app.request<SignInView>("POST", "/api/auth/sign-in/email", { body: { email, password }, headers });
}

export async function getUserId(app: TestApp, token: string): Promise<string> {
  return (await requestSession(app, { token })).body.user.id;
}

/** Creates an API key for the user with this token. */
export async function createKeyFor(app: TestApp, token: string, more = {}): Promise<{ id: string; key: string }> {
  const sent = { token, body: { name: "k", ...more } };
  return (await app.request<{ id: string; key: string }>("POST", "/api/auth/api-keys", sent)).body;
}

/** Returns the first cookie of a response, as a browser sends it back. */
export function firstCookie(answer: { headers: Headers }): string {
  return answer.headers.getSetCookie()[0]?.split(";")[0] ?? "";
}
