import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";
import { closeSync, fstatSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createPrivateFolder } from "../data-folder/private-files.ts";
import { AppError, invalid } from "../errors.ts";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_FILE = "secret.key";

/** Encrypts small secrets (passwords, tokens) for the database. */
export interface Vault {
  /**
   * Encrypts `plain` for one place. `context` names that place, as `table|row id|column`; it is not stored.
   * Returns `v1.<key id: 8 hex digits>.<base64url of nonce, ciphertext, tag>`.
   */
  encrypt(plain: string, context: string): string;
  /**
   * Decrypts a secret that was encrypted for the same context.
   * @throws AppError UNAVAILABLE when it was encrypted with another key, was changed, or belongs to another place.
   */
  decrypt(encrypted: string, context: string): string;
}

/** Signs texts that are given out and come back, such as unsubscribe links. */
export interface Signer {
  /** Signs a text with HMAC-SHA256 (RFC 2104), as base64url. */
  sign(text: string): string;
  /** Returns whether this is the signature of the text, in constant time. */
  verify(text: string, signature: string): boolean;
}

/**
 * Opens a vault with AES-256-GCM (NIST SP 800-38D). The context is authenticated with the ciphertext, so a secret copied to
 * another row cannot be decrypted there. Nonces are random: one key is good for 2^32 secrets.
 * @param key 32 bytes, from `masterKey`
 */
export function openVault(key: Uint8Array): Vault {
  if (key.length !== KEY_BYTES) throw new TypeError(`a vault needs a key of ${KEY_BYTES} bytes`);
  const keyId = createHash("sha256").update(key).digest("hex").slice(0, 8);
  return {
    encrypt(plain, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(context));
      const encrypted = Buffer.concat([nonce, cipher.update(plain, "utf8"), cipher.final(), cipher.getAuthTag()]);
      return `v1.${keyId}.${encrypted.toString("base64url")}`;
    },
    decrypt(encrypted, context) {
      const [, usedKeyId, body] = /^v1\.([0-9a-f]{8})\.([\w-]+)$/.exec(encrypted) ?? [];
      if (usedKeyId === undefined || body === undefined) throw unreadable();
      if (usedKeyId !== keyId) throw wrongKey(usedKeyId, keyId);
      const bytes = Buffer.from(body, "base64url");
      // Decoding accepts forms that encoding never writes; only the canonical one is valid.
      const isCanonical = bytes.toString("base64url") === body;
      if (!isCanonical || bytes.length < NONCE_BYTES + TAG_BYTES) throw unreadable();
      try {
        const opening = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES))
          .setAAD(Buffer.from(context))
          .setAuthTag(bytes.subarray(-TAG_BYTES));
        return opening.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, "utf8") + opening.final("utf8");
      } catch {
        throw unreadable();
      }
    },
  };
}

/** Returns a signer whose key is derived from the master key, so that a signature reveals nothing about the vault's key. */
export function signer(key: Uint8Array): Signer {
  const signingKey = derive(key, "reprise signatures v1");
  const sign = (text: string) => createHmac("sha256", signingKey).update(text).digest("base64url");
  return {
    sign,
    verify(text, signature) {
      const expected = Buffer.from(sign(text));
      const given = Buffer.from(signature);
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}

/** Authenticates the rows of the ledger, so that write access to the database is not enough to forge rows that verify. */
export interface LedgerKey {
  /** Identifies the key in every MAC, and reveals nothing about it. */
  readonly id: string;
  /** Returns `<key id>.<the first 128 bits of HMAC-SHA-256 (RFC 2104), base64url>`. */
  mac(text: string): string;
}

const LEDGER_KEY_ID_LENGTH = 4;
const LEDGER_MAC_LENGTH = 22;

/** Derives the ledger's key from the master key (HKDF-SHA256, RFC 5869). */
export function ledgerKey(master: Uint8Array): LedgerKey {
  const key = derive(master, "reprise ledger v1");
  const keyed = new Bun.CryptoHasher("sha256", key);
  const id = createHash("sha256").update(key).digest("base64url").slice(0, LEDGER_KEY_ID_LENGTH);
  return {
    id,
    // Copies a hasher that is already keyed: half the time of node:crypto, and every entry of a batch is authenticated.
    mac: (text) => `${id}.${keyed.copy().update(text).digest("base64url").slice(0, LEDGER_MAC_LENGTH)}`,
  };
}

/** The key of a database that is opened for work that moves no credits. */
export const NO_LEDGER_KEY: LedgerKey = {
  id: "none",
  mac() {
    throw new Error("the database was opened without the ledger's key");
  },
};

/**
 * Returns the master key if there is one, and creates none: for commands that must not give a database a new key.
 */
export function findMasterKey(given: string | null, dataDir: string): Uint8Array | null {
  return given === null ? loadKey(join(dataDir, KEY_FILE)) : masterKey(given, dataDir);
}

/**
 * Returns the 32 bytes that all other keys are derived from: derived from `given` (HKDF-SHA256, RFC 5869), else loaded from
 * `secret.key` in the data folder, which the first start creates for its owner only.
 * @param given REPRISE_SECRET, at least 32 characters, or null
 * @throws AppError INVALID for a short secret; UNAVAILABLE for a key file that others may read or that is damaged.
 */
export function masterKey(given: string | null, dataDir: string): Uint8Array {
  if (given !== null) {
    if (given.length < 32) throw invalid("REPRISE_SECRET", "must have at least 32 characters");
    return derive(Buffer.from(given), "reprise master key v1");
  }
  const path = join(dataDir, KEY_FILE);
  return loadKey(path) ?? createKey(path, dataDir);
}

/** Returns null when there is no key file yet. */
function loadKey(path: string): Uint8Array | null {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw new AppError("UNAVAILABLE", `${KEY_FILE} in the data folder cannot be read`, { cause: error });
  }
  try {
    // Windows has no such bits to check.
    if (process.platform !== "win32" && (fstatSync(file).mode & 0o077) !== 0) {
      throw new AppError(
        "UNAVAILABLE",
        `${path} can be read by others than its owner. Run: chmod 600 ${path}; where the file system keeps no modes, set REPRISE_SECRET_FILE or REPRISE_SECRET`,
      );
    }
    const key = Buffer.from(readFileSync(file, "utf8").trim(), "base64url");
    if (key.length !== KEY_BYTES) throw new AppError("UNAVAILABLE", `${path} is damaged: restore it from a backup`);
    return key;
  } finally {
    closeSync(file);
  }
}

/**
 * Writes the key to a draft and links it into place: linking fails where a file exists, so of several creators one wins, and
 * no process reads half a key. It is on disk before the first secret is encrypted with it.
 */
function createKey(path: string, dataDir: string): Uint8Array {
  createPrivateFolder(dataDir);
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    const file = openSync(draft, "wx", 0o600);
    try {
      writeFileSync(file, `${randomBytes(KEY_BYTES).toString("base64url")}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    linkSync(draft, path);
    syncFolder(dataDir);
  } catch (error) {
    if (errorCode(error) !== "EEXIST") {
      throw new AppError("UNAVAILABLE", `${KEY_FILE} cannot be created in the data folder`, { cause: error });
    }
  } finally {
    rmSync(draft, { force: true });
  }
  const key = loadKey(path);
  if (key === null) throw new AppError("UNAVAILABLE", `${KEY_FILE} vanished while it was created`);
  return key;
}

function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function derive(secret: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, "reprise", purpose, KEY_BYTES));
}

function unreadable(): AppError {
  return new AppError("UNAVAILABLE", "a stored secret cannot be decrypted: it was changed, or moved from another row");
}

function wrongKey(usedKeyId: string, keyId: string): AppError {
  const message = "a stored secret was encrypted with another key: start with that key";
  return new AppError("UNAVAILABLE", message, { cause: `encrypted with ${usedKeyId}, this is ${keyId}` });
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
