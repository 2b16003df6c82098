import { Fault, invalid } from "../fault.ts";

/**
 * Reads a body that may be left out, for the `parse` of a route. Elysia's own reader takes one that is no JSON for none,
 * and then does what was not asked.
 */
export async function optionalBody({ request }: { request: Request }): Promise<object> {
  const text = await request.text();
  if (text.trim() === "") return {};
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Fault("MALFORMED", "The body could not be read: expected valid JSON");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw invalid("body", "expected an object");
  return body;
}
