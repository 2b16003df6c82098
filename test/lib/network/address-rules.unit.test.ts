import { describe, expect, test } from "bun:test";
import { isIPv6 } from "node:net";
import fc from "fast-check";
import { isNeverMailServer, isPublic, parseAddress } from "../../../src/lib/network/address-rules.ts";
import { resolveHost, SMTP_PORTS } from "../../../src/lib/network/host.ts";
import registries from "../../fixtures/special-purpose-addresses.json";

// Compute the expected result from addresses as whole numbers, without the library that the product uses.

interface Block {
  first: bigint;
  last: bigint;
}

const numberOf = (address: string): bigint => (isIPv6(address) ? ipv6Number(address) : ipv4Number(address));
const ipv4Number = (address: string) => address.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n);
function ipv6Number(address: string): bigint {
  const [head = "", tail] = address.split("::").map((half) => half.split(":").filter(Boolean));
  const groups = tail ? [...head, ...Array(8 - head.length - tail.length).fill("0"), ...tail] : [...head];
  return groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}
const ipv4Text = (value: bigint) => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
const ipv6Text = (value: bigint) =>
  [...Array(8).keys()].map((group) => ((value >> BigInt(112 - 16 * group)) & 0xffffn).toString(16)).join(":");

function blockOf([text = ""]: string[]): Block {
  const [address = "", prefix] = text.split("/");
  const size = 1n << BigInt((isIPv6(address) ? 128 : 32) - Number(prefix));
  return { first: numberOf(address), last: numberOf(address) + size - 1n };
}
const isIn = (value: bigint, { first, last }: Block) => value >= first && value <= last;

const ipv4Blocks = registries.ipv4.map(blockOf);
const ipv6Blocks = registries.ipv6.map(blockOf);
const [mapped, nat64, sixToFour] = registries.judgedByTheirIpv4Address.map(blockOf) as [Block, Block, Block];
const globalUnicast = blockOf(["2000::/3"]);
const platformOfAzure = ipv4Number("168.63.129.16");

const mayBeTenants4 = (value: bigint) => value !== platformOfAzure && !ipv4Blocks.some((block) => isIn(value, block));
function mayBeTenants6(value: bigint): boolean {
  const low = value & 0xffff_ffffn;
  if (isIn(value, mapped) || isIn(value, nat64)) return mayBeTenants4(low);
  if (!isIn(value, globalUnicast) || ipv6Blocks.some((block) => isIn(value, block))) return false;
  if (isIn(value, sixToFour) && !mayBeTenants4((value >> 80n) & 0xffff_ffffn)) return false;
  const identifier = (value >> 32n) & 0xffff_ffffn;
  const isIsatap = identifier === 0x0000_5efen || identifier === 0x0200_5efen;
  return !isIsatap || mayBeTenants4(low);
}

const isPublicText = (text: string) => {
  const address = parseAddress(text);
  if (address === null) throw new Error(`not parsed: ${text}`);
  return isPublic(address);
};

/** Generates numbers inside and just outside of blocks, where mistakes are likely, and any other numbers. */
function near(blocks: Block[], bits: number) {
  const highest = (1n << BigInt(bits)) - 1n;
  const clamp = (value: bigint) => (value < 0n ? 0n : value > highest ? highest : value);
  const inOne = fc
    .tuple(fc.constantFrom(...blocks), fc.bigInt({ min: 0n, max: highest }), fc.constantFrom(0, 1, 2, 3, 4))
    .map(([{ first, last }, any, where]) =>
      clamp([first, last, first - 1n, last + 1n, first + (any % (last - first + 1n))][where] ?? 0n),
    );
  return fc.oneof(inOne, fc.bigInt({ min: 0n, max: highest }));
}
const someIpv4 = near(ipv4Blocks, 32);
const someIpv6 = near([...ipv6Blocks, mapped, nat64, sixToFour, globalUnicast], 128);

describe("public IP addresses", () => {
  test("an IPv4 address is public outside of every special-purpose block, edges included", () => {
    fc.assert(
      fc.property(someIpv4, (value) => expect(isPublicText(ipv4Text(value))).toBe(mayBeTenants4(value))),
      { numRuns: 20_000 },
    );
  });

  test("an IPv6 address is public in 2000::/3 outside of every special-purpose block, edges included", () => {
    fc.assert(
      fc.property(someIpv6, (value) => expect(isPublicText(ipv6Text(value))).toBe(mayBeTenants6(value))),
      { numRuns: 20_000 },
    );
  });

  test("an IPv6 address that contains an IPv4 address is public only if the IPv4 address is", () => {
    const prefixes = ["::ffff:0:0", "64:ff9b::", "::ffff:0:0:0", "::", "64:ff9b:1::", "2a00:1450:4001::5efe:0:0"];
    prefixes.push("2a00:1450:4001:0:200:5efe::", "2001::", "fe80::5efe:0:0");
    fc.assert(
      fc.property(someIpv4, fc.constantFrom(...prefixes), (value, prefix) => {
        const whole = ipv6Number(prefix) + value;
        expect(isPublicText(ipv6Text(whole))).toBe(mayBeTenants6(whole));
        const sixToFourAddress = (0x2002n << 112n) | (value << 80n) | 1n;
        expect(isPublicText(ipv6Text(sixToFourAddress))).toBe(mayBeTenants4(value));
      }),
      { numRuns: 10_000 },
    );
  });
});

test.each([
  ["::ffff:0:127.0.0.1", "SIIT loopback"],
  ["::ffff:0:8.8.8.8", "SIIT"],
  ["::8.8.8.8", "IPv4-compatible"],
  ["::ffff:0:7f00:1", "SIIT in hexadecimal"],
  ["200::1", "Yggdrasil"],
  ["3ff:ffff::1", "Yggdrasil"],
  ["300:1234::1", "a network of Yggdrasil"],
  ["64:ff9b:1::8.8.8.8", "local NAT64"],
  ["64:ff9b:0:1::8.8.8.8", "beside NAT64"],
  ["100::1", "discard"],
  ["1fff::1", "below the global unicast addresses"],
  ["4000::1", "above the global unicast addresses"],
  ["5f00::1", "segment routing"],
  ["fec0::1", "site-local"],
  ["2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"],
  ["2a00:1450::5efe:127.0.0.1", "ISATAP loopback"],
  ["2a00:1450::200:5efe:10.0.0.1", "ISATAP private"],
  ["2002:a9fe:a9fe::1", "6to4 metadata"],
])(
  "mail server addresses: %s (%s) is refused to a tenant, as a literal address and as the result of a name lookup",
  async (address) => {
    const policy = { allowPrivate: false, ports: SMTP_PORTS };
    const fails = { code: "INVALID", details: [{ field: "host" }] };
    await expect(resolveHost(address, 587, policy)).rejects.toMatchObject(fails);
    await expect(resolveHost("mail.example", 587, policy, async () => [address])).rejects.toMatchObject(fails);
  },
);

test.each([
  ...["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "fd00:ec2::254"],
  ...["168.63.129.16", "100.100.100.200", "192.0.0.192", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1"],
  ...["::ffff:0:169.254.169.254", "::169.254.169.254"],
])("mail server addresses: %s is rejected even with private networks allowed", (text) => {
  const address = parseAddress(text);
  expect(address && isNeverMailServer(address)).toBe(true);
});

test("IP address parser: an unusual spelling returns null", () => {
  for (const text of ["127.1", "0177.0.0.1", "0x7f.0.0.1", "2130706433", "010.0.0.1", "fe80::1%eth0", "::1%1", ""])
    expect(parseAddress(text)).toBeNull();
});
