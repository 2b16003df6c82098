import type { ApiRequest } from "./api-client.ts";
import type { TestApp } from "./app.ts";

/** User with a brand, and a client that sends requests as that user. */
export interface BrandOwner {
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
export async function createBrandOwner(app: TestApp, name: string): Promise<BrandOwner> {
  const token = await app.signUp(`${name}@owners.example`);
  const answer = await app.request<{ brand: { id: string } }>("POST", "/api/brands", { token, body: { name } });
  return { token, brandId: answer.body.brand.id, request: requestAs(app, token) };
}

export function requestAs(app: TestApp, token: string): BrandOwner["request"] {
  return (method, path, body, headers) => {
    const sent: ApiRequest = { token };
    if (body !== undefined) sent.body = body;
    if (headers !== undefined) sent.headers = headers;
    return app.request(method, path, sent);
  };
}
