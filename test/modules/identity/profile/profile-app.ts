import type { S3Settings } from "../../../../src/lib/storage/s3.ts";
import { type AppOverrides, startApp, type TestApp } from "../../../support/app.ts";

interface Said {
  status: number;
  headers: Headers;
  code: string;
  message: string;
  imageUrl: string;
  details: { field: string }[] | undefined;
}

export type ProfileApp = Awaited<ReturnType<typeof startProfileApp>>;

/** Starts the app on a socket, with calls for profile images. */
export async function startProfileApp(s3: S3Settings | null, overrides: AppOverrides = {}) {
  const app: TestApp = await startApp({ ...overrides, config: { s3, ...overrides.config } });
  const origin = app.listen();

  async function ask(method: string, path: string, token: string, init: RequestInit = {}): Promise<Said> {
    const headers = { authorization: `Bearer ${token}`, ...init.headers };
    const response = await fetch(`${origin}${path}`, { ...init, method, headers });
    const body = (await response.json()) as Omit<Said, "status" | "headers">;
    return { ...body, status: response.status, headers: response.headers };
  }

  const sendBody = (token: string, body: RequestInit["body"], headers: Record<string, string> = {}) =>
    ask("POST", "/api/auth/upload-profile-image", token, { body: body ?? null, headers });

  return {
    app,
    ask,
    sendBody,
    /** Sends an image as browsers do. */
    upload(token: string, image: Uint8Array, headers: Record<string, string> = {}, field = "image") {
      const form = new FormData();
      form.append(field, new Blob([new Uint8Array(image)], { type: "text/html" }), "../../me.html");
      return sendBody(token, form, headers);
    },
    edit: (token: string, body: object, headers: Record<string, string> = {}) =>
      ask("POST", "/api/auth/edit-profile", token, {
        body: JSON.stringify(body),
        headers: { "content-type": "application/json", ...headers },
      }),
    /** Fetches an image by its public URL. */
    see: (imageUrl: string, token?: string) =>
      fetch(imageUrl.replace(app.deps.config.publicUrl, origin), token ? { headers: { authorization: token } } : {}),
    async user(token: string): Promise<{ id: string; name: string; image: string | null }> {
      const session = await app.request<{ user: { id: string; name: string; image: string | null } }>(
        "GET",
        "/api/auth/session",
        { token },
      );
      return session.body.user;
    },
    close: () => app.close(),
  };
}
