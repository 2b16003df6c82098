import { PARSED_CACHE_BYTES } from "./limits.ts";

/** Caches parsed templates by source, up to a limit of memory; the least recently used are evicted first. */
export class ParsedTemplateCache<Parsed extends { readonly bytes: number }> {
  readonly #cached = new Map<string, Parsed>();
  #bytes = 0;

  constructor(private readonly limit: number = PARSED_CACHE_BYTES) {}

  get bytes(): number {
    return this.#bytes;
  }

  get(source: string): Parsed | undefined {
    const found = this.#cached.get(source);
    if (found !== undefined) {
      this.#cached.delete(source);
      this.#cached.set(source, found);
    }
    return found;
  }

  set(source: string, parsed: Parsed): void {
    this.#cached.set(source, parsed);
    this.#bytes += parsed.bytes;
    for (const [oldest, { bytes }] of this.#cached) {
      if (this.#bytes <= this.limit) break;
      this.#cached.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}
