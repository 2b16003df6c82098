import type { TestApp } from "./app.ts";
import type { Sent } from "./doors.ts";

/** User with a brand, and a client that sends requests as that user. */
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

/** Signs a user up and creates a brand as that user. */
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
