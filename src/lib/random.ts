import type { Instant } from "./clock.ts";

/** Returns a random number in [0, 1). The simulator passes a seeded one, so that a run can be replayed. */
export type Random = () => number;

/** Random words are drawn many at a time, because a call to the system costs more than a draw. */
const drawn = new Uint32Array(1024);
let used = drawn.length;

function draw(): number {
  if (used === drawn.length) {
    crypto.getRandomValues(drawn);
    used = 0;
  }
  return drawn[used++] ?? 0;
}

/** Returns unpredictable random numbers, from the system. */
export const systemRandom: Random = () => ((draw() >>> 5) * 67_108_864 + (draw() >>> 6)) / 9_007_199_254_740_992;

/**
 * Returns random numbers that a seed determines (sfc32, PractRand-tested by its author Chris Doty-Humphrey): same seed,
 * same sequence.
 */
export function seededRandom(seed: string): Random {
  const hash = new Bun.CryptoHasher("sha256").update(seed).digest();
  let a = hash.readUInt32LE(0);
  let b = hash.readUInt32LE(4);
  let c = hash.readUInt32LE(8);
  let counter = 1;
  return () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return (sum >>> 0) / 4_294_967_296;
  };
}

/**
 * Returns a function that creates time-ordered ids (UUIDv7, RFC 9562 section 5.7). Ids of one millisecond keep their order by the
 * counter in `sequence`.
 */
export function idMaker(random: Random): (now: Instant) => string {
  let last = 0;
  let sequence = 0;
  return (now) => {
    if (now > last) {
      last = now;
      sequence = Math.floor(random() * 0x400);
    } else if (++sequence > 0xfff) {
      // The 12 bits are used up, or the clock stepped back: lend from the next millisecond rather than lose the order.
      last++;
      sequence = 0;
    }
    const time = last.toString(16).padStart(12, "0");
    const word = (bits: number) =>
      Math.floor(random() * 2 ** bits)
        .toString(16)
        .padStart(bits / 4, "0");
    const variant = (0x8000 | Math.floor(random() * 0x4000)).toString(16);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence.toString(16).padStart(3, "0")}-${variant}-${word(24)}${word(24)}`;
  };
}
