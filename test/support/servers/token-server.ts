import { generateKeyPairSync, verify } from "node:crypto";

/** Fake of Google's OAuth token endpoint on 127.0.0.1. */
export interface TokenServer {
  url: string;
  /** Access tokens that are valid now. */
  valid: Set<string>;
  /** Requests received, in order. */
  asked: Record<string, string>[];
  /** Response to each request: a token, this OAuth error, or a closed connection. */
  behavior: { error: string | null; down: boolean; expiresIn: number; takes: number };
  /** JSON key of a service account that it accepts. */
  key: { type: string; client_email: string; private_key: string };
  stop(): Promise<void>;
}

export function startTokenServer(): TokenServer {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const valid = new Set<string>();
  const asked: Record<string, string>[] = [];
  const behavior = { error: null as string | null, down: false, expiresIn: 3600, takes: 0 };
  let count = 0;

  const isSigned = (assertion = ""): boolean => {
    const [head, claims, signature = ""] = assertion.split(".");
    return verify("RSA-SHA256", Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, "base64url"));
  };

  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const form = Object.fromEntries(new URLSearchParams(await request.text())) as Record<string, string>;
      asked.push(form);
      await Bun.sleep(behavior.takes);
      if (behavior.down) return new Response("<h1>502</h1>", { status: 502 });
      const error = behavior.error ?? (form.assertion && !isSigned(form.assertion) ? "invalid_grant" : null);
      // The description repeats the request, which holds secrets: the program must not pass it on.
      if (error !== null) return Response.json({ error, error_description: JSON.stringify(form) }, { status: 400 });
      const token = `ya29.canary-access-${++count}`;
      valid.add(token);
      return Response.json({ access_token: token, expires_in: behavior.expiresIn, token_type: "Bearer" });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/token`,
    valid,
    asked,
    behavior,
    key: {
      type: "service_account",
      client_email: "outreach@project.iam.gserviceaccount.example",
      private_key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    },
    stop: () => server.stop(true),
  };
}
