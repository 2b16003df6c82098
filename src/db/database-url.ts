/** The address of Postgres: one server, or several of which one accepts writes. */
export interface DatabaseAddress {
  hosts: { host: string; port: number }[];
  /** The URL with the first host only, since `URL` accepts a single host. */
  url: string;
}

const DEFAULT_PORT = 5432;

/**
 * Parses `postgres://user:password@one:5432,two:5432/name` in libpq's form; null for any other text. The host that accepts
 * writes is found by connecting, so `target_session_attrs` is dropped.
 */
export function parseDatabaseUrl(text: string): DatabaseAddress | null {
  const [, scheme, login = "", names, rest = ""] =
    text.match(/^(postgres(?:ql)?:\/\/)([^/?#]*@)?([^/?#]+)(.*)$/i) ?? [];
  if (scheme === undefined || names === undefined) return null;
  const urls = names.split(",").map((name) => URL.parse(`${scheme}${login}${name}${rest}`));
  const [first] = urls;
  if (!first || urls.some((url) => !url?.hostname)) return null;
  first.searchParams.delete("target_session_attrs");
  const hosts = urls.map((url) => ({
    // Only URLs write an IPv6 address in brackets.
    host: decodeURIComponent(url?.hostname ?? "").replace(/^\[|\]$/g, ""),
    port: Number(url?.port || DEFAULT_PORT),
  }));
  return { hosts, url: first.href };
}
