/** Kind of hostile request: its head, and its body in pieces. `null` is a pause before the next piece. */
export interface Attack {
  name: string;
  head: string;
  pieces(): Iterable<Uint8Array | string | null>;
}

const PIECE_BYTES = 64 * 1024;
const HELD_BYTES = 9_900_000;

const letters = new Uint8Array(PIECE_BYTES).fill(0x61);
const brackets = new Uint8Array(PIECE_BYTES).fill(0x5b);

function head(method: string, path: string, length: number | "chunked", more: string[] = []): string {
  const size = length === "chunked" ? "Transfer-Encoding: chunked" : `Content-Length: ${length}`;
  const lines = [`${method} ${path} HTTP/1.1`, "Host: 127.0.0.1", "Content-Type: application/json", size, ...more];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

function* bytes(piece: Uint8Array, total: number) {
  for (let left = total; left > 0; left -= piece.length) yield left >= piece.length ? piece : piece.subarray(0, left);
}

/** Yields all but the last byte. */
function* heldBack(total: number) {
  yield* bytes(letters, total - 1);
  for (;;) yield null;
}

function* dribble(text: string) {
  for (const letter of text) {
    yield letter;
    yield null;
  }
}

function* endlessChunks() {
  for (;;) {
    yield `${PIECE_BYTES.toString(16)}\r\n`;
    yield letters;
    yield "\r\n";
  }
}

/** Address that a common address pattern takes exponential time to refuse. */
const address = (size: number) => `{"email":"a@${"a.".repeat(Math.floor((size - 40) / 2))}!","password":"x"}`;

const signIn = "/api/auth/sign-in/email";

function whole(name: string, path: string, text: string): Attack {
  return { name, head: head("POST", path, Buffer.byteLength(text)), pieces: () => [text] };
}

/** Attacks on the reading of bodies. */
export const ATTACKS: readonly Attack[] = [
  {
    name: "1 GB by PATCH to a path that ends like the one for files",
    head: head("PATCH", "/api/campaigns/import-contacts", 1_000_000_000),
    pieces: () => bytes(letters, 1_000_000_000),
  },
  {
    name: "9.9 MB of which the last byte never comes",
    head: head("POST", "/api/contacts", HELD_BYTES),
    pieces: () => heldBack(HELD_BYTES),
  },
  whole("an address of 1 MB", signIn, address(1_000_000)),
  {
    name: "9.9 MB of brackets",
    head: head("POST", signIn, HELD_BYTES),
    pieces: () => bytes(brackets, HELD_BYTES),
  },
  { name: "a body that dribbles", head: head("POST", signIn, 8000), pieces: () => dribble("a".repeat(7999)) },
  {
    name: "chunks without an end",
    head: head("POST", "/api/contacts", "chunked"),
    pieces: endlessChunks,
  },
  {
    name: "a contact file in chunks, without a session",
    head: head("POST", "/api/campaigns/x/import-contacts", "chunked"),
    pieces: endlessChunks,
  },
  whole("an address as long as a body may be", signIn, address(8000)),
  whole("brackets as many as a body may have", signIn, "[".repeat(8000)),
  {
    name: "a small body of which the last byte never comes",
    head: head("POST", signIn, 8000),
    pieces: () => heldBack(8000),
  },
  {
    name: "256 KB under a key that is none, of which the last byte never comes",
    head: head("POST", "/api/contacts", 256_000, ["x-api-key: reprise_none"]),
    pieces: () => heldBack(256_000),
  },
  {
    name: "1 GB to nowhere",
    head: head("POST", "/nowhere", 1_000_000_000),
    pieces: () => bytes(letters, 1_000_000_000),
  },
];
