import { Elysia } from "elysia";
import { Fault } from "../fault.ts";

/** A thousand contacts with much to say about each are smaller. */
const LARGEST = 10_000_000;

/**
 * Bounds what is read into memory, for a body is read before anybody is asked who they are. What comes in chunks does not
 * say how large it will be, and is not taken. `isStream` names the paths of files, whose routes read them bit by bit.
 */
export function bodySize(isStream: (path: string) => boolean) {
  return new Elysia({ name: "body size" }).onRequest(({ request }) => {
    if (request.body === null) return;
    const told = request.headers.get("content-length");
    if ((told !== null && Number(told) <= LARGEST) || isStream(new URL(request.url).pathname)) return;
    throw new Fault(
      "TOO_LARGE",
      told === null
        ? "The body does not say how large it is: send a Content-Length"
        : `The body is larger than ${LARGEST / 1_000_000} MB`,
    );
  });
}
