import { join } from "node:path";

/** Absolute path of the repository. Tests name its files from here, so that a test file may move to another folder. */
export const PROJECT_ROOT = join(import.meta.dir, "../..");

/** Command that runs the program from its source. */
export const SOURCE_PROGRAM = [process.execPath, join(PROJECT_ROOT, "src/main.ts")];
