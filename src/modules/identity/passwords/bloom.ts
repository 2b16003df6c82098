/** With 24 bits an entry, 17 is the number of bits to look at that gives the fewest false positives: about 1 in 100,000. */
const BITS_PER_ENTRY = 24;
const HASHES_PER_ENTRY = 17;

/**
 * Returns the bit positions of a text in a filter of `bits` bits, by double hashing (Kirsch and Mitzenmacher 2006).
 * xxHash64 is a published function: a filter built by one release of Bun is read by every other.
 */
function* listPositions(text: string, bits: number): Generator<number> {
  const first = Number(BigInt.asUintN(32, Bun.hash.xxHash64(text, 0n)));
  const step = Number(BigInt.asUintN(32, Bun.hash.xxHash64(text, 1n) | 1n));
  for (let index = 0; index < HASHES_PER_ENTRY; index++) yield (first + index * step) % bits;
}

/** Builds a Bloom filter (Bloom 1970) of these texts. */
export function buildBloomFilter(entries: readonly string[]): Uint8Array<ArrayBuffer> {
  const filter = new Uint8Array(Math.ceil((entries.length * BITS_PER_ENTRY) / 8));
  for (const entry of entries) {
    for (const position of listPositions(entry, filter.length * 8)) {
      filter[position >> 3] = (filter[position >> 3] ?? 0) | (1 << (position & 7));
    }
  }
  return filter;
}

/** Returns true for every text the filter was built of, and for about one in 100,000 of all others. */
export function mayContain(filter: Uint8Array, text: string): boolean {
  for (const position of listPositions(text, filter.length * 8))
    if (((filter[position >> 3] ?? 0) & (1 << (position & 7))) === 0) return false;
  return true;
}
