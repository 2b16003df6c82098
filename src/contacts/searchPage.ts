import { invalid } from "../fault.ts";
import type { Found, SearchPlace } from "./search.ts";

/** A cursor's place as `http/cursor.ts` keeps it. Neither ids nor words have blanks. */
type Kept = [key: string | number | null, order: string];

/** Where an earlier page of a search ended. INVALID for the cursor of a list that was not searched. */
export function searchPlace(cursor: Kept | null): SearchPlace | null {
  if (cursor === null) return null;
  const [key, order] = cursor;
  const [, brandId, word] = /^(\S+) (\S+)$/.exec(String(key)) ?? [];
  if (brandId === undefined || word === undefined) {
    throw invalid("cursor", "expected the nextCursor of a page of the same search");
  }
  return { brandId, word, order };
}

export function keptPlace({ next }: Pick<Found<unknown>, "next">): Kept | null {
  return next && [`${next.brandId} ${next.word}`, next.order];
}
