import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { GoogleLogin } from "../../../src/channels/channel.ts";
import {
  createGoogleTokens,
  GoogleGrantRefusedError,
  GoogleTokenUnavailableError,
} from "../../../src/channels/email/google-token.ts";
import { createSmtpChannel } from "../../../src/channels/email/smtp.ts";
import { createEnvelope } from "../../support/mail.ts";
import { loadCertificate, startSmtpServer, type TestSmtpServer } from "../../support/servers/smtp-server.ts";
import { startTokenServer, type TokenServer } from "../../support/servers/token-server.ts";

let google: TokenServer;
let server: TestSmtpServer;
let count = 0;
beforeAll(async () => {
  google = startTokenServer();
  server = await startSmtpServer({ security: "TLS", tokens: { valid: google.valid } });
});
afterEach(() => {
  Object.assign(google.behavior, { error: null, down: false, expiresIn: 3600, takes: 0 });
  google.asked.length = 0;
});
afterAll(() => Promise.all([google.stop(), server.stop()]));

/** Returns a new login, so that no test finds the token of another. */
const login = (): GoogleLogin => ({
  mailbox: "ann@northwind.example",
  grant: {
    type: "OAUTH",
    clientId: "client",
    clientSecret: "canary-secret",
    refreshToken: `canary-refresh-${++count}`,
  },
});
const byKey = (over: object = {}): GoogleLogin => ({
  mailbox: `box${++count}@northwind.example`,
  grant: {
    type: "SERVICE_ACCOUNT",
    clientEmail: google.key.client_email,
    privateKey: google.key.private_key,
    ...over,
  },
});
const channelTo = (port: number) =>
  createSmtpChannel({
    allowPrivateHosts: false,
    idleMilliseconds: 50,
    authorities: [loadCertificate("localhost")],
    gmail: { host: "localhost", port, tokenUrl: google.url },
  });

describe("Google access tokens", () => {
  test("concurrent callers with one refresh token share one request and one access token", async () => {
    const [tokens, mine] = [createGoogleTokens(google.url), login()];
    google.behavior.takes = 20;
    const given = await Promise.all(Array.from({ length: 5 }, () => tokens.getToken(mine)));
    expect(new Set(given).size).toBe(1);
    expect(google.asked).toEqual([
      {
        grant_type: "refresh_token",
        client_id: "client",
        client_secret: "canary-secret",
        refresh_token: `canary-refresh-${count}`,
      },
    ]);
    expect(await tokens.getToken(mine)).toBe(given[0] ?? "");
    expect(google.asked).toHaveLength(1);
    expect(await tokens.getToken(login())).not.toBe(given[0] ?? "");
  });

  test("a token is reused until a minute before its expiry or until the server rejects the token", async () => {
    let now = 0;
    const [tokens, mine] = [createGoogleTokens(google.url, () => now), login()];
    const first = await tokens.getToken(mine);
    now = 3_539_000;
    expect(await tokens.getToken(mine)).toBe(first);
    now = 3_541_000;
    const second = await tokens.getToken(mine);
    expect(second).not.toBe(first);
    const third = await tokens.getToken(mine, second);
    expect(third).not.toBe(second);
    // Ask with the rejected token again: a newer one was fetched already.
    expect(await tokens.getToken(mine, second)).toBe(third);
  });

  test("a service account's request is signed with its key, in the name of the mailbox", async () => {
    const mine = byKey();
    await createGoogleTokens(google.url, () => 1_700_000_000_000).getToken(mine);
    const { grant_type, assertion = "" } = google.asked[0] ?? {};
    expect(grant_type).toBe("urn:ietf:params:oauth:grant-type:jwt-bearer");
    const claims = JSON.parse(Buffer.from(assertion.split(".")[1] ?? "", "base64url").toString());
    expect(claims).toEqual({
      iss: google.key.client_email,
      sub: mine.mailbox,
      scope: "https://mail.google.com/",
      aud: "https://oauth2.googleapis.com/token",
      iat: 1_700_000_000,
      exp: 1_700_003_600,
    });
    const other = startTokenServer();
    const stranger = byKey({ privateKey: other.key.private_key });
    await expect(createGoogleTokens(google.url).getToken(stranger)).rejects.toBeInstanceOf(GoogleGrantRefusedError);
    await other.stop();
  });

  test("a refused grant and an unavailable service throw different errors, and the former contains no secret", async () => {
    const tokens = createGoogleTokens(google.url);
    for (const error of ["invalid_grant", "unauthorized_client", "invalid_client"]) {
      google.behavior.error = error;
      const rejection = await tokens.getToken(login()).catch((thrown) => thrown);
      expect(rejection).toBeInstanceOf(GoogleGrantRefusedError);
      expect(rejection.message).toContain(error);
      expect(rejection.message).not.toContain("canary");
    }
    google.behavior.error = "temporarily_unavailable";
    expect(await tokens.getToken(login()).catch((thrown) => thrown)).toBeInstanceOf(GoogleTokenUnavailableError);
    google.behavior.down = true;
    expect(await tokens.getToken(login()).catch((thrown) => thrown)).toBeInstanceOf(GoogleTokenUnavailableError);
    const nowhere = createGoogleTokens("http://127.0.0.1:1/token");
    expect(await nowhere.getToken(login()).catch((thrown) => thrown)).toBeInstanceOf(GoogleTokenUnavailableError);
  });
});

describe("mailbox at Google", () => {
  test.each([
    ["challenge", false],
    ["immediate rejection", true],
  ])("mail is sent with a token, and with a new token after a %s", async (_, rejectsAtOnce) => {
    const gmail = await startSmtpServer({ security: "TLS", tokens: { valid: google.valid, rejectsAtOnce } });
    const channel = channelTo(gmail.port);
    try {
      const mine = login();
      expect(await channel.send(createEnvelope(mine))).toMatchObject({ kind: "accepted" });
      google.valid.clear();
      expect(await channel.send(createEnvelope(mine))).toMatchObject({ kind: "accepted" });
      expect(google.asked).toHaveLength(2);
      expect(gmail.received).toHaveLength(2);
      expect(await channel.verify(byKey())).toEqual({ ok: true });
    } finally {
      await channel.close();
      await gmail.stop();
    }
  });

  test("a revoked grant defers with reauth, an unavailable token service defers without reauth", async () => {
    const channel = channelTo(server.port);
    google.behavior.error = "invalid_grant";
    const outcome = await channel.send(createEnvelope(login()));
    expect(outcome).toMatchObject({ kind: "deferred", scope: "sender", reauth: true });
    expect(await channel.verify(login())).toMatchObject({ ok: false, reauth: true });
    google.behavior.error = null;
    google.behavior.down = true;
    const later = await channel.send(createEnvelope(login()));
    expect(later).toMatchObject({ kind: "deferred", scope: "sender" });
    expect(later).not.toHaveProperty("reauth");
    expect(server.received).toHaveLength(0);
    await channel.close();
  });

  test("a server that accepts no token defers for the sender, and the reason does not contain the token", async () => {
    const deaf = await startSmtpServer({ security: "TLS", tokens: { valid: new Set(), rejectsAtOnce: true } });
    const channel = channelTo(deaf.port);
    const outcome = await channel.send(createEnvelope(login()));
    expect(outcome).toMatchObject({ kind: "deferred", scope: "sender" });
    expect(google.asked).toHaveLength(2);
    expect(JSON.stringify(outcome)).not.toContain("canary");
    await channel.close();
    await deaf.stop();
  });

  test("an app password is accepted for login, without a token request", async () => {
    const credentials = { username: "ann@northwind.example", password: "canary-app-password" };
    const gmail = await startSmtpServer({ security: "TLS", login: credentials });
    const channel = channelTo(gmail.port);
    const grant = { type: "SMTP" as const, password: credentials.password };
    expect(await channel.verify({ mailbox: credentials.username, grant })).toEqual({ ok: true });
    expect(await channel.verify({ mailbox: credentials.username, grant: { ...grant, password: "x" } })).toMatchObject({
      ok: false,
    });
    expect(google.asked).toHaveLength(0);
    await channel.close();
    await gmail.stop();
  });
});
