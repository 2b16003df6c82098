import type { DiskRoom } from "../files/diskRoom.ts";
import { quotaReached, type Room } from "../limits/usage.ts";

/** How many bytes of an upload arrive between two looks at the disk. */
const DISK_CHECK_BYTES = 8_000_000;

/** Counts the bytes of uploads that have no job yet, for the brand they are for. */
export interface Arriving {
  /** Counts bytes that have arrived. @throws AppError CONFLICT beyond what the brand may store, UNAVAILABLE without room on the disk */
  take(bytes: number): Promise<void>;
  /** Forgets them: the job counts them now, or nobody does. */
  end(): void;
}

/**
 * Bounds what a brand has arriving at this process: together no more than it may store, checked before a file is read where
 * its length is told, and again while it arrives.
 */
export class UploadRoom {
  readonly #disk: DiskRoom;
  readonly #arriving = new Map<string, number>();

  constructor(disk: DiskRoom) {
    this.#disk = disk;
  }

  /** `told` is what the request says of its length; `left` what the brand may store, null when that is no matter. */
  async begin(brandId: string, told: number, left: Room | null): Promise<Arriving> {
    const mustFit = (more: number) => {
      const arriving = (this.#arriving.get(brandId) ?? 0) + more;
      if (left !== null && arriving > left.left) throw quotaReached("storedBytes", left.limit);
    };
    mustFit(told);
    await this.#disk.check(told);
    let own = 0;
    let unchecked = 0;
    return {
      take: async (bytes) => {
        own += bytes;
        unchecked += bytes;
        this.#add(brandId, bytes);
        mustFit(0);
        if (unchecked < DISK_CHECK_BYTES) return;
        unchecked = 0;
        await this.#disk.check();
      },
      end: () => {
        this.#add(brandId, -own);
        own = 0;
      },
    };
  }

  #add(brandId: string, bytes: number): void {
    const sum = (this.#arriving.get(brandId) ?? 0) + bytes;
    if (sum > 0) this.#arriving.set(brandId, sum);
    else this.#arriving.delete(brandId);
  }
}
