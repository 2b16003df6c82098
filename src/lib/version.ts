import { version as packaged } from "../../package.json";

/** Set at build time (`0.1.0+aaded87`); a run from source has none. */
declare const REPRISE_VERSION: string | undefined;

export const version: string = typeof REPRISE_VERSION === "string" ? REPRISE_VERSION : packaged;
