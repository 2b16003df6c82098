/** What everybody's password is here. */
export const PASSWORD = "correct horse battery";

export interface Sent {
  body?: unknown;
  /** A session's token. */
  token?: string;
  headers?: Record<string, string>;
}

export interface Answer<Body> {
  status: number;
  headers: Headers;
  body: Body;
  /** The body as it came. */
  text: string;
}

/** How people use a Reprise from outside. */
export interface Doors {
  /** Each request comes from an address of its own, as far as the service believes that and its headers do not say otherwise. */
  api<Body = Record<string, unknown>>(method: string, path: string, sent?: Sent): Promise<Answer<Body>>;
  /** Signs somebody up; returns their token. */
  signUp(email: string): Promise<string>;
  /** Signs somebody in who is here already; returns their token. */
  signIn(email: string): Promise<string>;
}

let visitors = 0;

/** `url` is asked anew for each request: where several replicas serve, each request may go to another. */
export function doorsOf(url: () => string): Doors {
  const address = () => `10.1.${(++visitors >> 8) & 255}.${visitors & 255}`;
  return doorsThrough((path, request) => fetch(`${url()}${path}`, { ...request, redirect: "manual" }), address);
}

/** The same where requests reach it in another way; `address` says whence the next one comes. */
export function doorsThrough(
  send: (path: string, request: RequestInit) => Promise<Response>,
  address: () => string,
): Doors {
  async function api<Body>(method: string, path: string, { body, token, headers }: Sent = {}): Promise<Answer<Body>> {
    const response = await send(path, {
      method,
      headers: {
        "x-client-address": address(),
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
