import { invalid } from "../../lib/errors.ts";
import type { SearchPosition, SearchResult } from "./search.ts";

/** A cursor in the form of `src/http/pagination.ts`. Neither ids nor words contain spaces. */
type StoredCursor = [key: string | number | null, order: string];

/** Parses where an earlier page of a search ended. @throws AppError INVALID for the cursor of another list */
export function parseSearchCursor(cursor: StoredCursor | null): SearchPosition | null {
  if (cursor === null) return null;
  const [key, order] = cursor;
  const [, brandId, word] = /^(\S+) (\S+)$/.exec(String(key)) ?? [];
  if (brandId === undefined || word === undefined) {
    throw invalid("cursor", "expected the nextCursor of the same search");
  }
  return { brandId, word, order };
}

/** Formats where a page of a search ended; null on the last page. */
export function formatSearchCursor({ next }: Pick<SearchResult<unknown>, "next">): StoredCursor | null {
  return next && [`${next.brandId} ${next.word}`, next.order];
}
