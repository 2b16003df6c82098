import type { DiskSpace } from "../../lib/storage/disk-space.ts";
import { quotaReached, type RemainingQuota } from "../limits/usage.ts";

/** Bytes of an upload between two checks of the free disk space. */
const DISK_CHECK_BYTES = 8_000_000;

/** Counts the bytes of an upload that has no job yet against its brand's limit. */
interface UploadReservation {
  /** Counts received bytes. @throws AppError CONFLICT beyond the brand's storage limit, UNAVAILABLE without free disk space */
  take(bytes: number): Promise<void>;
  /** Uncounts the bytes: the job counts them now, or the upload has failed. */
  end(): void;
}

/**
 * Limits the uploads that this process receives for a brand to the brand's storage limit. Checked before an upload when its
 * length is known, and again while it is received.
 */
export class UploadSpace {
  readonly #disk: DiskSpace;
  readonly #arriving = new Map<string, number>();

  constructor(disk: DiskSpace) {
    this.#disk = disk;
  }

  /**
   * Starts counting an upload. `announced`: the bytes in Content-Length, or 0; `left`: the bytes that the brand may still
   * store, null for no limit.
   */
  async reserve(brandId: string, announced: number, left: RemainingQuota | null): Promise<UploadReservation> {
    const assertFits = (more: number) => {
      const arriving = (this.#arriving.get(brandId) ?? 0) + more;
      if (left !== null && arriving > left.left) throw quotaReached("storedBytes", left.limit);
    };
    assertFits(announced);
    await this.#disk.assertFree(announced);
    let own = 0;
    let unchecked = 0;
    return {
      take: async (bytes) => {
        own += bytes;
        unchecked += bytes;
        this.#add(brandId, bytes);
        assertFits(0);
        if (unchecked < DISK_CHECK_BYTES) return;
        unchecked = 0;
        await this.#disk.assertFree();
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
