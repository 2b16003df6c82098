import type { Store } from "../../db/store.ts";
import { SECOND } from "../../lib/clock.ts";
import { DEFAULT_LIMITS, type Limits } from "./names.ts";
import { listOverrides, mergeLimits, type Override, PLATFORM } from "./overrides.ts";

/** Age after which values are loaded again, because another process may have changed them. */
const REFRESH_AFTER_MS = 10 * SECOND;

/**
 * Caches the limits that admins have set, so that a request costs no query. It is loaded at the first request, and reloaded in
 * the background of later ones; only brands with values of their own take memory.
 */
export class LimitCache {
  readonly #store: Store;
  #platform: Limits = DEFAULT_LIMITS;
  #brands = new Map<string, Limits>();
  #loadedAt: number | null = null;
  #loading: Promise<void> | null = null;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Resolves when limits are loaded; null when they are already. `now` is by `performance.now()`: tests stop the clock of the service. */
  ready(now: number): Promise<void> | null {
    if (this.#loadedAt === null) return this.reload();
    if (now - this.#loadedAt > REFRESH_AFTER_MS && this.#loading === null) {
      this.reload().catch(() => {
        // The cached values stay; the next request tries again.
      });
    }
    return null;
  }

  /** Returns the limits of a brand, or of a user without one. */
  getLimits(brandId: string | null): Limits {
    return (brandId === null ? undefined : this.#brands.get(brandId)) ?? this.#platform;
  }

  reload(): Promise<void> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async #load(): Promise<void> {
    const overrides: Override[] = await listOverrides(this.#store.read);
    const scopes = new Set(overrides.map(({ scope }) => scope).filter((scope) => scope !== PLATFORM));
    const byScope = Map.groupBy(overrides, ({ scope }) => scope);
    const platform = byScope.get(PLATFORM) ?? [];
    this.#platform = mergeLimits(platform, null);
    this.#brands = new Map(
      [...scopes].map((scope) => [scope, mergeLimits([...platform, ...(byScope.get(scope) ?? [])], scope)]),
    );
    this.#loadedAt = performance.now();
  }
}
