import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type HostPolicy, resolveHost, SMTP_PORTS } from "../../../src/lib/network/host.ts";

const strict: HostPolicy = { allowPrivate: false, ports: SMTP_PORTS };
const onPremises: HostPolicy = { allowPrivate: true, ports: SMTP_PORTS };
/** Creates a resolver that returns the given addresses for every name. */
const answering =
  (...addresses: string[]) =>
  async () =>
    addresses;
const fails = { code: "INVALID", details: [{ field: "host" }] };

const rejectedAddresses = [
  ["0.0.0.0", "unspecified"],
  ["0.1.2.3", "this network"],
  ["10.0.0.1", "private"],
  ["10.255.255.255", "private"],
  ["100.64.0.1", "carrier-grade NAT"],
  ["100.100.100.200", "metadata in carrier-grade NAT"],
  ["100.127.255.255", "carrier-grade NAT"],
  ["127.0.0.1", "loopback"],
  ["127.255.255.254", "loopback"],
  ["168.63.129.16", "platform of a cloud"],
  ["169.254.169.254", "metadata"],
  ["172.16.0.1", "private"],
  ["172.31.255.255", "private"],
  ["192.0.0.192", "metadata in protocol assignments"],
  ["192.0.2.1", "documentation"],
  ["192.168.0.1", "private"],
  ["198.18.0.1", "benchmarking"],
  ["198.19.255.255", "benchmarking"],
  ["198.51.100.7", "documentation"],
  ["203.0.113.7", "documentation"],
  ["224.0.0.1", "multicast"],
  ["239.255.255.255", "multicast"],
  ["240.0.0.1", "reserved"],
  ["255.255.255.255", "broadcast"],
  ["::", "unspecified"],
  ["::1", "loopback"],
  ["0:0:0:0:0:0:0:1", "loopback, spelled out"],
  ["::127.0.0.1", "IPv4-compatible"],
  ["::8.8.8.8", "IPv4-compatible"],
  ["::ffff:127.0.0.1", "IPv4-mapped"],
  ["::ffff:7f00:1", "IPv4-mapped, in hexadecimal"],
  ["::ffff:169.254.169.254", "IPv4-mapped metadata"],
  ["64:ff9b::10.0.0.1", "NAT64"],
  ["64:ff9b::a9fe:a9fe", "NAT64 metadata"],
  ["64:ff9b:1::1", "local NAT64"],
  ["2002:7f00:1::", "6to4"],
  ["2002:c0a8:101::1", "6to4"],
  ["2001::1", "Teredo"],
  ["2001:2::1", "benchmarking"],
  ["2001:db8::1", "documentation"],
  ["3fff::1", "documentation"],
  ["100::1", "discard"],
  ["fc00::1", "unique local"],
  ["fd00:ec2::254", "unique local metadata"],
  ["fe80::1", "link-local"],
  ["fec0::1", "site-local"],
  ["ff02::1", "multicast"],
] as const;

const publicAddresses = [
  "8.8.8.8",
  "1.1.1.1",
  "100.63.255.255",
  "100.128.0.0",
  "126.255.255.255",
  "128.0.0.1",
  "169.253.0.1",
];
publicAddresses.push("172.15.255.255", "172.32.0.0", "192.167.1.1", "198.17.255.255", "198.20.0.0", "223.255.255.255");
publicAddresses.push("2606:4700::1111", "2a00:1450:4001::1a", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8", "2002:808:808::1");

describe("mail host of a tenant", () => {
  test.each(rejectedAddresses)(
    "%s (%s) is rejected, as a literal address and as the result of a name lookup",
    async (address) => {
      await expect(resolveHost(address, 587, strict)).rejects.toMatchObject(fails);
      await expect(resolveHost("mail.example", 587, strict, answering(address))).rejects.toMatchObject(fails);
      await expect(resolveHost("mail.example", 587, strict, answering("8.8.8.8", address))).rejects.toMatchObject(
        fails,
      );
    },
  );

  test.each(publicAddresses)(
    "%s is accepted, as a literal address and as the result of a name lookup",
    async (address) => {
      expect(await resolveHost(address, 587, strict)).toMatchObject({ address });
      expect(await resolveHost("mail.example", 465, strict, answering(address))).toMatchObject({ address });
    },
  );

  test.each([
    ...["127.1", "127.0.1", "2130706433", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "017700000001", "127.0.0.01", "0"],
    ...["8.8.8", "134744072", "1.2.3.4.5", "256.1.1.1", "127.0.0.1.", "1.2.3.0x4", "0x", "①②⑦.⓪.⓪.①", "127。0。0。1"],
    ...["[::1]", "[::ffff:8.8.8.8]", "fe80::1%eth0", "2606:4700::1111%1", "", ".", "a..b", "-", "user@mail.example"],
    ...[
      "mail.example:25",
      "mail.example/x",
      "mail.example#x",
      "mail%2eexample",
      "mail example",
      "mail\r\nexample",
      "mail\0",
    ],
    ...[
      "http://mail.example",
      "\\\\mail\\x",
      `${"a".repeat(64)}.example`,
      `${"a.".repeat(130)}example`,
      "mail.example?",
    ],
  ])("the spelling %j is rejected without a name lookup", async (host) => {
    let asked = false;
    const resolver = async () => {
      asked = true;
      return ["8.8.8.8"];
    };
    await expect(resolveHost(host, 587, strict, resolver)).rejects.toMatchObject(fails);
    await expect(resolveHost(host, 587, onPremises, resolver)).rejects.toMatchObject(fails);
    expect(asked).toBe(false);
  });

  test("only the ports for mail are accepted", async () => {
    for (const port of [25, 465, 587, 2525]) await resolveHost("8.8.8.8", port, strict);
    for (const port of [0, 22, 80, 443, 5432, 6379, 65_536, -1, 25.5, Number.NaN]) {
      await expect(resolveHost("8.8.8.8", port, strict)).rejects.toMatchObject({
        code: "INVALID",
        details: [{ field: "port" }],
      });
    }
  });

  test("a name is looked up once in its ASCII form, and the checked address is returned", async () => {
    const asked: string[] = [];
    const rebinding = async (name: string) => {
      asked.push(name);
      return asked.length === 1 ? ["2606:4700::1111", "9.9.9.9"] : ["127.0.0.1"];
    };
    expect(await resolveHost("Bücher.Example.", 587, strict, rebinding)).toMatchObject({ address: "9.9.9.9" });
    expect(asked).toEqual(["xn--bcher-kva.example"]);
  });

  test("a name that does not resolve is rejected", async () => {
    const failing = () => Promise.reject(new Error("ENOTFOUND"));
    for (const resolver of [failing, answering(), answering("nonsense")]) {
      await expect(resolveHost("mail.example", 587, strict, resolver)).rejects.toMatchObject(fails);
    }
    await expect(resolveHost("nowhere.invalid", 587, strict)).rejects.toMatchObject(fails);
    expect(await resolveHost("localhost", 1025, onPremises)).toMatchObject({ address: "127.0.0.1" });
  });
});

test("mail host with private networks allowed: any host address and any port is accepted, other addresses are rejected", async () => {
  for (const address of ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.1.1", "::1", "fd00::1", "::ffff:10.0.0.1"]) {
    expect(await resolveHost(address, 1025, onPremises)).toMatchObject({ address });
  }
  for (const address of [
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "ff02::1",
    "::ffff:0.0.0.0",
    "::ffff:224.0.0.1",
  ]) {
    await expect(resolveHost(address, 1025, onPremises)).rejects.toMatchObject(fails);
  }
  await expect(resolveHost("10.0.0.1", 0, onPremises)).rejects.toMatchObject({ details: [{ field: "port" }] });
});

test("mail host: an IPv6 form of an IPv4 address is accepted only if the IPv4 address is", async () => {
  const quad = fc.ipV4();
  const passes = (host: string) =>
    resolveHost(host, 25, strict).then(
      () => true,
      () => false,
    );
  await fc.assert(
    fc.asyncProperty(
      quad,
      fc.constantFrom("10", "127", "100", "169", "172", "192", "198", "203", "0", "224", null),
      async (any, first) => {
        const address = first === null ? any : any.replace(/^\d+/, first);
        const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
        const hex = (high: number, low: number) => ((high << 8) | low).toString(16);
        const expected = await passes(address);
        expect(await passes(`::ffff:${address}`)).toBe(expected);
        expect(await passes(`::ffff:${hex(a, b)}:${hex(c, d)}`)).toBe(expected);
        expect(await passes(`64:ff9b::${address}`)).toBe(expected);
        expect(await passes(`2002:${hex(a, b)}:${hex(c, d)}::1`)).toBe(expected);
        // Every other spelling is rejected, whichever address it means.
        expect(await passes(`::${address}`)).toBe(false);
        expect(await passes(String(((a * 256 + b) * 256 + c) * 256 + d))).toBe(false);
        expect(await passes(`${a}.${b}.${c * 256 + d}`)).toBe(false);
        expect(await passes(`0${a.toString(8)}.${b}.${c}.${d}`)).toBe(false);
      },
    ),
    { numRuns: 500 },
  );
});
