import { invalid } from "../lib/errors.ts";

/** A position in a list: the sort key and the id of the last row of a page. */
export type PageCursor = [key: string | number | null, id: string];

function encodeCursor(place: PageCursor): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** Returns the cursor of a list that is sorted by id. */
export const idCursor = (id: string | null): PageCursor | null => (id === null ? null : [null, id]);

/** Encodes where the next page begins; null at the end of the list. */
export const toNextCursor = (place: PageCursor | null): string | null => place && encodeCursor(place);

/** Parses a cursor. @throws AppError INVALID for a text that `encodeCursor` did not write */
export function parseCursor(cursor: string | undefined): PageCursor | null {
  if (cursor === undefined || cursor === "") return null;
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (
      Array.isArray(place) &&
      place.length === 2 &&
      typeof place[1] === "string" &&
      (place[0] === null || typeof place[0] === "string" || typeof place[0] === "number")
    ) {
      return [place[0], place[1]];
    }
  } catch {}
  throw invalid("cursor", "expected the nextCursor of an earlier page");
}

/** Cuts a page out of `limit + 1` rows. Returns the rows to show and the cursor of the next page, null at the end. */
export function paginate<Row>(
  rows: Row[],
  limit: number,
  placeOf: (row: Row) => PageCursor,
): { data: Row[]; nextCursor: string | null } {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  return { data, nextCursor: rows.length > limit && last ? encodeCursor(placeOf(last)) : null };
}
