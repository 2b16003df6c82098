import { describe, expect, test } from "bun:test";
import { SECOND, VirtualClock } from "../src/clock.ts";
import { Fault } from "../src/fault.ts";
import { clientAddress } from "../src/http/clientAddress.ts";
import { rateLimit } from "../src/http/rateLimit.ts";

describe("rateLimit", () => {
  const start = (capacity?: number) => {
    const clock = new VirtualClock(1_000_000);
    const limit = rateLimit({ burst: 3, interval: 10 * SECOND, clock, ...(capacity ? { capacity } : {}) });
    /** How long `key` has to wait; 0 when it may go on. */
    const wait = (key = "a"): number => {
      try {
        limit.count(key);
        return 0;
      } catch (error) {
        return error instanceof Fault && error.code === "RATE_LIMITED" ? (error.retryAfterSeconds ?? -1) : -1;
      }
    };
    return { clock, limit, wait };
  };

  test("lets a burst through, then one an interval", () => {
    const { clock, wait } = start();
    expect([wait(), wait(), wait(), wait(), wait()]).toEqual([0, 0, 0, 10, 10]);
    expect(wait("b")).toBe(0);
    clock.advance(9_500);
    expect(wait()).toBe(1);
    clock.advance(500);
    expect([wait(), wait()]).toEqual([0, 10]);
    clock.advance(3600 * SECOND);
    expect([wait(), wait(), wait(), wait()]).toEqual([0, 0, 0, 10]);
  });

  test("does not count what is refunded", () => {
    const { limit, wait } = start();
    for (let times = 0; times < 10; times++) {
      expect(wait()).toBe(0);
      limit.refund("a");
    }
  });

  test("keeps nobody out for long when the clock is stepped back", () => {
    const { clock, wait } = start();
    for (let times = 0; times < 4; times++) wait();
    clock.set(0);
    expect(wait()).toBe(10);
  });

  test("forgets the key not seen for longest when there are too many", () => {
    const { wait } = start(2);
    for (let times = 0; times < 3; times++) wait("a");
    wait("b");
    expect(wait("a")).toBe(10);
    wait("c");
    expect(wait("a")).toBe(10);
    wait("b");
    wait("c");
    expect(wait("a")).toBe(0);
  });
});

describe("clientAddress", () => {
  const request = (forwarded?: string) =>
    new Request("http://localhost/", forwarded ? { headers: { "x-forwarded-for": forwarded } } : {});
  const server = (address: string) => ({ requestIP: () => ({ address }) });

  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["192.0.2.1:54321", "192.0.2.1"],
    ["[2001:db8:1:2::5]:443", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ])("%s counts as %s", (address, key) => expect(clientAddress(request(), server(address), null)).toBe(key));

  test("the header is believed only where it is named, and only its last word", () => {
    const forged = request("203.0.113.9, 192.0.2.7");
    expect(clientAddress(forged, server("192.0.2.1"), null)).toBe("192.0.2.1");
    expect(clientAddress(forged, server("192.0.2.1"), "x-forwarded-for")).toBe("192.0.2.7");
    expect(clientAddress(request(), server("192.0.2.1"), "x-forwarded-for")).toBe("192.0.2.1");
    expect(clientAddress(request(), null, null)).toBe("unknown");
  });
});
