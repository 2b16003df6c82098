const ids = new WeakMap<Request, string>();

/** The id under which a request appears in answers and logs: the caller's `x-request-id` when it is harmless, else a new one. */
export function requestIdOf(request: Request): string {
  let id = ids.get(request);
  if (!id) {
    const given = request.headers.get("x-request-id");
    id = given && /^[\w.-]{1,64}$/.test(given) ? given : crypto.randomUUID();
    ids.set(request, id);
  }
  return id;
}
