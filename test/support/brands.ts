import type { TestApp } from "./app.ts";
import type { Sent } from "./doors.ts";

/** A user, the brand they own, and how they ask for things. */
export interface Owner {
  token: string;
  brandId: string;
  request: <Body = Record<string, never>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<{ status: number; headers: Headers; body: Body; text: string }>;
}

/** Signs somebody up and lets them open a brand. */
export async function openBrand(app: TestApp, name: string): Promise<Owner> {
  const token = await app.signUp(`${name}@owners.example`);
  const answer = await app.request<{ brand: { id: string } }>("POST", "/api/brands", { token, body: { name } });
  return { token, brandId: answer.body.brand.id, request: asking(app, token) };
}

export function asking(app: TestApp, token: string): Owner["request"] {
  return (method, path, body, headers) => {
    const sent: Sent = { token };
    if (body !== undefined) sent.body = body;
    if (headers !== undefined) sent.headers = headers;
    return app.request(method, path, sent);
  };
}
