import { mayContain } from "./bloom.ts";
import packed from "./common-passwords.bloom" with { type: "file" };

// common-passwords.bloom: the 49,233 common passwords of @zxcvbn-ts/language-common 4.1.3 (MIT licence, (c) 2012-2016 Dan Wheeler and
// Dropbox, Inc., (c) 2021 @zxcvbn-ts), which come from published breaches. The licence
// is beside it. Built by `bun scripts/common-passwords.ts`.

let loaded: Promise<Uint8Array> | undefined;

/** Loads the list when the first password is set, so that it costs nothing at start. */
export async function loadCommonPasswords(): Promise<(text: string) => boolean> {
  loaded ??= Bun.file(packed).bytes();
  const filter = await loaded;
  return (text) => mayContain(filter, text);
}
