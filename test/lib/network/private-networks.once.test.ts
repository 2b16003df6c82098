import { describe, expect, test } from "bun:test";
import { createSmtpChannel } from "../../../src/channels/email/smtp.ts";
import { resolveHost, SMTP_PORTS } from "../../../src/lib/network/host.ts";
import { findNetwork, type PrivateNetwork, parsePrivateNetworks } from "../../../src/lib/network/private-networks.ts";
import { parseConfig } from "../../../src/server/config/config.ts";
import { smtpLogin } from "../../support/mail.ts";
import { startSmtpServer } from "../../support/servers/smtp-server.ts";

function networksOf(text: string): PrivateNetwork[] {
  const networks = parsePrivateNetworks(text);
  if (typeof networks === "string") throw new Error(networks);
  return networks;
}

const LIST = "10.1.2.0/24:25,587; 192.168.7.9:2525-2527\n[fd12:3456::/48]:25 [fd99::1]:465";

describe("SMTP_PRIVATE_NETWORKS", () => {
  test("is parsed from the environment and is empty by default", () => {
    expect(parseConfig({}).privateSmtpNetworks).toEqual([]);
    const names = parseConfig({ SMTP_PRIVATE_NETWORKS: LIST }).privateSmtpNetworks.map(({ name }) => name);
    expect(names).toEqual(["10.1.2.0/24", "192.168.7.9", "fd12:3456::/48", "fd99::1"]);
  });

  test.each([
    ["10.1.2.0", 25, true],
    ["10.1.2.255", 587, true],
    ["::ffff:10.1.2.3", 587, true],
    ["10.1.3.0", 25, false],
    ["10.1.2.3", 26, false],
    ["192.168.7.9", 2526, true],
    ["192.168.7.9", 2528, false],
    ["192.168.7.10", 2525, false],
    ["fd12:3456:0:ffff::1", 25, true],
    ["fd12:3457::1", 25, false],
    ["fd99::1", 465, true],
    ["fd99::2", 465, false],
    ["::10.1.2.3", 25, false],
    ["64:ff9b::10.1.2.3", 25, false],
    ["fd12:3456::1%eth0", 25, false],
  ] as const)("%s port %d matches a network: %p", (address, port, isInside) => {
    expect(findNetwork(networksOf(LIST), address, port) !== undefined).toBe(isInside);
  });

  test.each([
    ...["10.1.2.0/24", "10.1.2.0/24:", "10.1.2.0/24:smtp", "10.1.2.0/24:0", "10.1.2.0/24:65536", "10.1.2.0/24:587-25"],
    ...["10.1.2.3/24:25", "0.0.0.0/0:25", "10.0.0.0/7:25", "10.1.2.0/33:25", "10.1.2:25", "010.1.2.0/24:25"],
    ...["fd12::/48:25", "[fd12::]/48:25", "[::/0]:25", "[fd12::1/48]:25", "[::ffff:10.0.0.0/104]:25", "relay.local:25"],
    ...["10.1.2.0/24:25,", "10.1.2.0/24:*", "[fe80::1%eth0]:25", "http://10.1.2.3:25"],
  ])("rejects %s and names the entry", (entry) => {
    expect(() => parseConfig({ SMTP_PRIVATE_NETWORKS: `10.9.9.0/24:25; ${entry}` })).toThrow(
      `SMTP_PRIVATE_NETWORKS: ${JSON.stringify(entry)}: expected`,
    );
  });

  test("is rejected together with SMTP_ALLOW_PRIVATE_HOSTS=true, which would override the list", () => {
    const env = { SMTP_PRIVATE_NETWORKS: "10.1.2.0/24:25", SMTP_ALLOW_PRIVATE_HOSTS: "true" };
    expect(() => parseConfig(env)).toThrow("SMTP_PRIVATE_NETWORKS: expected without");
  });

  test("allows only the listed networks and ports, besides public hosts on the usual ports", async () => {
    const policy = {
      allowPrivate: false,
      networks: networksOf("10.1.2.0/24:2600; 169.254.0.0/16:25"),
      ports: SMTP_PORTS,
    };
    expect(await resolveHost("10.1.2.3", 2600, policy)).toMatchObject({ isPrivate: true, needsNetworks: true });
    expect(await resolveHost("8.8.8.8", 587, policy)).toMatchObject({ isPrivate: false, needsNetworks: false });
    const both = async () => ["8.8.8.8", "10.1.2.3"];
    for (const [host, port, field] of [
      ["10.1.2.3", 2525, "host"],
      ["10.1.3.3", 2600, "host"],
      ["127.0.0.1", 25, "host"],
      ["169.254.169.254", 25, "host"],
      ["8.8.8.8", 2600, "port"],
    ] as const) {
      await expect(resolveHost(host, port, policy)).rejects.toMatchObject({ details: [{ field }] });
    }
    await expect(resolveHost("two.example", 2600, policy, both)).rejects.toMatchObject({ code: "INVALID" });
  });
});

test("resolveHost: a private host, an internal name and an unknown name get the same error", async () => {
  const policy = { allowPrivate: false, ports: SMTP_PORTS };
  const answerTo = (host: string, answer: () => Promise<string[]>) =>
    resolveHost(host, 587, policy, answer).then(
      () => "accepted",
      ({ message }) => message,
    );
  const answers = [
    await answerTo("10.1.2.3", async () => []),
    await answerTo("127.0.0.1", async () => []),
    await answerTo("vault.corp.example", async () => ["10.1.2.3"]),
    await answerTo("metadata", async () => ["169.254.169.254"]),
    await answerTo("nowhere.example", () => Promise.reject(new Error("ENOTFOUND"))),
    await answerTo("empty.example", async () => []),
  ];
  expect(new Set(answers).size).toBe(1);
  expect(answers[0]).toStartWith("host: must be a public mail server");
});

test("SMTP channel: connects to a private network only for logins marked private, and allows plain text only there", async () => {
  const server = await startSmtpServer();
  const channel = createSmtpChannel({
    allowPrivateHosts: false,
    privateNetworks: networksOf(`127.0.0.0/8:${server.port}`),
  });
  const login = smtpLogin(server.port);
  try {
    expect(await channel.verify({ ...login, privateHost: true })).toEqual({ ok: true });
    expect(server.connections.ever).toBe(1);
    for (const refused of [login, { ...login, privateHost: true, port: server.port + 1 }]) {
      expect(await channel.verify(refused)).toMatchObject({ ok: false });
    }
    const inTheClear = await channel.verify({ ...login, host: "8.8.8.8", port: 587, privateHost: true });
    expect(inTheClear).toEqual({ ok: false, reason: "security: must be TLS or STARTTLS" });
    expect(server.connections.ever).toBe(1);
  } finally {
    await channel.close();
    await server.stop();
  }
});
