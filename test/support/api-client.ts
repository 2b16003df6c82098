/** Password of every test user. */
export const PASSWORD = "correct horse battery";

export interface ApiRequest {
  body?: unknown;
  /** Session token. */
  token?: string;
  headers?: Record<string, string>;
}

export interface ApiResponse<Body> {
  status: number;
  headers: Headers;
  body: Body;
  /** Body as received. */
  text: string;
}

/** Client of the HTTP API. */
export interface ApiClient {
  /** Sends a request. Each has a client address of its own, where the service trusts the header and `headers` set none. */
  api<Body = Record<string, unknown>>(method: string, path: string, sent?: ApiRequest): Promise<ApiResponse<Body>>;
  /** Signs a user up; returns their token. */
  signUp(email: string): Promise<string>;
  /** Signs an existing user in; returns their token. */
  signIn(email: string): Promise<string>;
}

let visitors = 0;

/** Creates a client that calls `url` for each request, so that requests may go to several replicas. */
export function createApiClient(url: () => string): ApiClient {
  const address = () => `10.1.${(++visitors >> 8) & 255}.${visitors & 255}`;
  return createApiClientOver((path, request) => fetch(`${url()}${path}`, { ...request, redirect: "manual" }), address);
}

/** Creates a client over another transport; `address` returns the client address of the next request. */
export function createApiClientOver(
  send: (path: string, request: RequestInit) => Promise<Response>,
  address: () => string,
): ApiClient {
  async function api<Body>(
    method: string,
    path: string,
    { body, token, headers }: ApiRequest = {},
  ): Promise<ApiResponse<Body>> {
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
    signUp: (email) => tokenFrom("/api/auth/sign-up/email", { email, password: PASSWORD, name: "Someone" }),
    signIn: (email) => tokenFrom("/api/auth/sign-in/email", { email, password: PASSWORD }),
  };
}
