import { open } from "node:fs/promises";
import { iso, SECOND } from "../lib/clock.ts";
import { type Anchor, createAnchors, listHeads } from "../modules/credits/anchor.ts";
import type { Deps } from "../modules/deps.ts";
import type { LedgerAnchor } from "./config/ledger-anchor.ts";

const WEBHOOK_TIMEOUT_MS = 10 * SECOND;

/**
 * Writes the heads of the ledger to LEDGER_ANCHOR, outside of the database: first of all brands, then of those whose ledger
 * has grown since. What could not be written is written with the next anchor.
 */
export class Anchoring {
  /** The heads that were written, by brand. */
  readonly #written = new Map<string, string>();

  constructor(
    readonly target: LedgerAnchor,
    readonly deps: Pick<Deps, "store" | "clock" | "log">,
  ) {}

  async write(): Promise<void> {
    const { store, clock } = this.deps;
    const heads = await listHeads(store.read, this.#written);
    for (const anchor of createAnchors(store.read.ledgerKey, iso(clock.now()), heads)) {
      await this.#send(anchor);
      for (const [brandId, , head] of anchor.brands) this.#written.set(brandId, head);
    }
  }

  async #send(anchor: Anchor): Promise<void> {
    if (this.target.kind === "log") this.deps.log.info("ledger.anchor", { ...anchor });
    else if (this.target.kind === "file") await append(this.target.path, anchor);
    else await post(this.target.url, anchor);
  }
}

/** Appends a line and waits until it is on the disk. */
async function append(path: string, anchor: Anchor): Promise<void> {
  const file = await open(path, "a", 0o600);
  try {
    await file.appendFile(`${JSON.stringify(anchor)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function post(url: string, anchor: Anchor): Promise<void> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(anchor),
    redirect: "error",
    signal: AbortSignal.timeout(WEBHOOK_TIMEOUT_MS),
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`the anchor's receiver answered ${answer.status}`);
}
