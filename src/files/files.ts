/**
 * Where files lie. Names are ours: lower-case words, a folder apart, never a caller's. Whatever keeps the store from
 * working is a Fault UNAVAILABLE within seconds.
 */
export interface Files {
  /** Durable when it resolves; replaces what had this name. */
  put(name: string, content: Uint8Array<ArrayBuffer>, type: string): Promise<void>;
  /** Null when there is no such file. */
  get(name: string): Promise<Blob | null>;
  /** Also succeeds when there is no such file. */
  remove(name: string): Promise<void>;
}
