import type { Answer, Sent } from "./app.ts";

/** What everybody's password is here. */
export const PASSWORD = "correct horse battery";

/** How people use a Reprise from outside. */
export interface Doors {
  api<Body = Record<string, unknown>>(method: string, path: string, sent?: Sent): Promise<Answer<Body>>;
  signUp(email: string): Promise<string>;
  signIn(email: string): Promise<string>;
}

let visitors = 0;

/** `url` is asked anew for each request: where several replicas serve, each request may go to another. */
export function doorsOf(url: () => string): Doors {
  /** Each request comes from an address of its own, as far as the service is told to believe that. */
  async function api<Body>(method: string, path: string, { body, token, headers }: Sent = {}): Promise<Answer<Body>> {
    visitors++;
    const response = await fetch(`${url()}${path}`, {
      method,
      redirect: "manual",
      headers: {
        "x-client-address": `10.1.${(visitors >> 8) & 255}.${visitors & 255}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : {} };
  }

  async function tokenFrom(path: string, body: object): Promise<string> {
    const answer = await api<{ token?: string }>("POST", path, { body });
    if (!answer.body.token) throw new Error(`${path} gave no token: ${answer.status} ${answer.text}`);
    return answer.body.token;
  }

  return {
    api,
    signUp: (email) => tokenFrom("/api/auth/sign-up/email", { email, password: PASSWORD, name: "Somebody" }),
    signIn: (email) => tokenFrom("/api/auth/sign-in/email", { email, password: PASSWORD }),
  };
}
