import { describe, expect, test } from "bun:test";
import { detectProxy } from "../../../src/modules/security/proxy-sighting.ts";
import { parseConfig } from "../../../src/server/config/config.ts";
import { findInsecureSettings } from "../../../src/server/insecure-settings.ts";
import { startApp } from "../../support/app.ts";
import { waitUntil } from "../../support/servers/temp-server.ts";
import { startService } from "../../support/service.ts";

const SAFE = {
  HOST: "127.0.0.1",
  PUBLIC_URL: "https://reprise.example",
  SIGN_UP: "closed",
  REPRISE_SECRET: "mtHR4uWq0zUxPpXQ3fAo5bYc8KdLsEjV",
};
const BASE64 = "dGhpcyBpcyBub3QgYSBwYXNzd29yZCBidXQ";
const keysOf = (env: Record<string, string>, problems: string[] = []) =>
  findInsecureSettings(parseConfig({ ...SAFE, ...env }), problems).map(({ key }) => key);

describe("findInsecureSettings", () => {
  test("reports nothing for safe settings", () => {
    expect(keysOf({})).toEqual([]);
    const careful = {
      HOST: "0.0.0.0",
      DATABASE_URL: "postgres://me:pw@db.example/reprise?sslmode=verify-full",
      REDIS_URL: `rediss://:${BASE64}@redis.example`,
      S3_BUCKET: "images",
      S3_ENDPOINT: "https://s3.example",
      CHARGEBEE_WEBHOOK_USER: "chargebee",
      CHARGEBEE_WEBHOOK_PASSWORD: BASE64,
      SMTP_PRIVATE_NETWORKS: "10.1.2.0/24:25",
    };
    expect(keysOf(careful)).toEqual([]);
  });

  test.each<[string[], Record<string, string>]>([
    [["public-url-http"], { PUBLIC_URL: "http://reprise.example" }],
    [["public-url-http"], { PUBLIC_URL: "http://10.1.2.3:3000" }],
    [["public-url-local"], { PUBLIC_URL: "http://localhost:3000", HOST: "0.0.0.0" }],
    [["public-url-local"], { PUBLIC_URL: "http://127.0.0.1:3000", HOST: "::" }],
    [["public-url-local"], { PUBLIC_URL: "http://[::1]:3000", HOST: "10.1.2.3" }],
    [[], { PUBLIC_URL: "http://localhost:3000", HOST: "::1" }],
    [["sign-up-open"], { SIGN_UP: "open" }],
    [["system-mail-clear"], { SYSTEM_SMTP_URL: "smtp://mail.example.com", SYSTEM_MAIL_FROM: "a@example.com" }],
    [[], { SYSTEM_SMTP_URL: "smtp://127.0.0.1:25", SYSTEM_MAIL_FROM: "a@example.com" }],
    [[], { SYSTEM_SMTP_URL: "smtps://mail.example.com", SYSTEM_MAIL_FROM: "a@example.com" }],
    [["secret-weak"], { REPRISE_SECRET: "this-is-my-super-secret-key-change-me" }],
    [["smtp-private-hosts"], { SMTP_ALLOW_PRIVATE_HOSTS: "true" }],
    [["database-without-tls"], { DATABASE_URL: "postgres://me:pw@10.1.2.3/reprise" }],
    [["database-without-tls"], { DATABASE_URL: "postgres://me:pw@db/reprise?sslmode=prefer" }],
    [["database-without-tls"], { DATABASE_URL: "postgres://me:pw@localhost:1,db:2/reprise" }],
    [[], { DATABASE_URL: "postgres://me:pw@localhost:1,127.0.0.1:2/reprise" }],
    [[], { DATABASE_URL: "postgres://me:pw@db/reprise?sslmode=require" }],
    [["redis-without-tls"], { REDIS_URL: `redis://:${BASE64}@redis` }],
    [["redis-without-password"], { REDIS_URL: "rediss://redis" }],
    [[], { REDIS_URL: "redis://127.0.0.1" }],
    [["s3-http"], { S3_BUCKET: "images", S3_ENDPOINT: "http://minio:9000" }],
    [[], { S3_BUCKET: "images", S3_ENDPOINT: "http://127.0.0.1:9000" }],
    [["gmail-token-url-http"], { GMAIL_TOKEN_URL: "http://proxy/token" }],
    [["chargebee-api-url-http"], { CHARGEBEE_SITE: "acme", CHARGEBEE_API_KEY: "k", CHARGEBEE_API_URL: "http://proxy" }],
    [
      ["chargebee-webhook-password-weak"],
      { CHARGEBEE_WEBHOOK_USER: "chargebee", CHARGEBEE_WEBHOOK_PASSWORD: "fifteen-letters" },
    ],
    [
      ["chargebee-webhook-password-weak"],
      { CHARGEBEE_WEBHOOK_USER: "chargebee", CHARGEBEE_WEBHOOK_PASSWORD: "passwordpassword" },
    ],
    [["channels-simulator"], { CHANNELS: "simulator" }],
    [["log-level-debug"], { LOG_LEVEL: "debug" }],
  ])("reports %j for %j", (keys, env) => {
    expect(keysOf(env)).toEqual(keys);
  });

  test("reports each problem of the data folder", () => {
    expect(keysOf({}, ["/data is loose", "and so is /"])).toEqual(["data-folder", "data-folder-2"]);
  });

  test("reports remedies and no secret values", () => {
    const env = {
      REPRISE_SECRET: "this-is-my-super-secret-key-change-me",
      DATABASE_URL: "postgres://me:hunter2@db/x",
      REDIS_URL: "redis://:hunter2@redis",
      CHARGEBEE_WEBHOOK_USER: "chargebee",
      CHARGEBEE_WEBHOOK_PASSWORD: "hunter2",
    };
    const found = findInsecureSettings(parseConfig({ ...SAFE, ...env }), []);
    expect(found.length).toBe(4);
    expect(JSON.stringify(found)).not.toMatch(/hunter2|super-secret/);
    for (const { remedy, message } of found) expect([remedy.length > 10, message.length > 10]).toEqual([true, true]);
  });
});

describe("GET /api/auth/admin/security-findings", () => {
  test("is for admins only and lists the highest severity first", async () => {
    const app = await startApp({ config: { allowPrivateSmtp: true } });
    try {
      const path = "/api/auth/admin/security-findings";
      expect((await app.request("GET", path)).status).toBe(401);
      expect((await app.request("GET", path, { token: await app.signUp("ann@x.example") })).status).toBe(403);
      const answer = await app.request<{ findings: { key: string; severity: string }[] }>("GET", path, {
        token: await app.admin(),
      });
      expect(answer.body.findings[0]).toMatchObject({ key: "smtp-private-hosts", severity: "HIGH" });
      const ranks = answer.body.findings.map(({ severity }) => ["HIGH", "MEDIUM", "LOW"].indexOf(severity));
      expect(ranks).toEqual([...ranks].sort());
    } finally {
      await app.close();
    }
  });

  test("reports a proxy after a forwarded request from a private address, and not for headers from public addresses", async () => {
    const app = await startApp({ config: { clientAddressHeader: null } });
    try {
      let peer = "203.0.113.7";
      const sighting = detectProxy(app.deps);
      const ask = async (headers: Record<string, string>) => {
        const server = { requestIP: () => ({ address: peer }) };
        Object.assign(sighting, { server });
        await sighting.get("/", () => "ok").handle(new Request("http://x/", { headers }));
        return app.deps.security.list().filter(({ key }) => key === "client-address-unknown").length;
      };
      expect(await ask({})).toBe(0);
      peer = "8.8.8.8";
      expect(await ask({ "x-forwarded-for": "1.2.3.4" })).toBe(0);
      peer = "172.18.0.2";
      expect(await ask({})).toBe(0);
      expect(await ask({ "x-forwarded-for": "1.2.3.4" })).toBe(1);
      expect(await ask({ forwarded: "for=1.2.3.4" })).toBe(1);
      expect(app.logged.filter((line) => line.includes("client-address-unknown"))).toHaveLength(1);
    } finally {
      await app.close();
    }
  });
});

test("start with insecure settings: prints and logs each of them, and reports a proxy after a forwarded request", async () => {
  const service = await startService({
    env: { PUBLIC_URL: "http://reprise.example", SMTP_ALLOW_PRIVATE_HOSTS: "true", LOG_LEVEL: "warn" },
  });
  try {
    await waitUntil("the start is complete", async () => service.output().includes("claim#token="));
    const lines = service.output().split("\n");
    const printed = lines.filter((line) => line.startsWith("Insecure (HIGH)"));
    expect(printed.map((line) => line.slice(21, 31))).toEqual(["PUBLIC_URL", "SMTP_ALLOW"]);
    const logged = lines.filter((line) => line.includes("security.insecure_setting"));
    const keys = logged.map((line) => JSON.parse(line).key);
    expect(keys).toContain("public-url-http");
    expect(keys).toContain("smtp-private-hosts");
    expect(keys).not.toContain("client-address-unknown");
    await fetch(`${service.url}/api/health`, { headers: { "x-forwarded-for": "198.51.100.1" } });
    const token = await service.admin();
    const found = await service.api<{ findings: { key: string }[] }>("GET", "/api/auth/admin/security-findings", {
      token,
    });
    expect(found.body.findings.map(({ key }) => key)).toContain("client-address-unknown");
    expect(service.output()).toContain("http://reprise.example/api/auth/claim#token=");
  } finally {
    await service.remove();
  }
}, 40_000);
