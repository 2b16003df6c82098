/** Where Postgres is: one server, or several of which one takes writes. */
export interface Address {
  hosts: { host: string; port: number }[];
  /** The same URL naming the first of them, which is all that `URL` can read. */
  url: string;
}

const DEFAULT_PORT = 5432;

/**
 * Reads `postgres://user:password@one:5432,two:5432/name`, as libpq takes it. Null when it is no such URL. Which of them
 * takes writes is found by asking, so `target_session_attrs` is left out.
 */
export function readAddress(given: string): Address | null {
  const [, scheme, login = "", names, rest = ""] =
    given.match(/^(postgres(?:ql)?:\/\/)([^/?#]*@)?([^/?#]+)(.*)$/i) ?? [];
  if (scheme === undefined || names === undefined) return null;
  const urls = names.split(",").map((name) => URL.parse(`${scheme}${login}${name}${rest}`));
  const [first] = urls;
  if (!first || urls.some((url) => !url?.hostname)) return null;
  first.searchParams.delete("target_session_attrs");
  const hosts = urls.map((url) => ({
    // An IPv6 address stands in brackets in a URL, and without them everywhere else.
    host: decodeURIComponent(url?.hostname ?? "").replace(/^\[|\]$/g, ""),
    port: Number(url?.port || DEFAULT_PORT),
  }));
  return { hosts, url: first.href };
}
