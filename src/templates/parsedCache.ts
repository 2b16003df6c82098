import { PARSED_CACHE_BYTES } from "./limits.ts";
import type { ParsedTemplate } from "./parsedTemplate.ts";

/** Keeps parsed templates by their source, within a bound of memory rather than of number: the least recently used go first. */
export class ParsedCache {
  readonly #kept = new Map<string, ParsedTemplate>();
  #bytes = 0;

  constructor(private readonly limit: number = PARSED_CACHE_BYTES) {}

  get bytes(): number {
    return this.#bytes;
  }

  find(source: string): ParsedTemplate | undefined {
    const found = this.#kept.get(source);
    if (found !== undefined) {
      this.#kept.delete(source);
      this.#kept.set(source, found);
    }
    return found;
  }

  keep(source: string, parsed: ParsedTemplate): void {
    this.#kept.set(source, parsed);
    this.#bytes += parsed.bytes;
    for (const [oldest, { bytes }] of this.#kept) {
      if (this.#bytes <= this.limit) break;
      this.#kept.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}
