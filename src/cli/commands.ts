import type { Command } from "./command.ts";
import { adminCreateCommand } from "./commands/admin-create.ts";
import { demoCommand } from "./commands/demo.ts";
import { healthCommand } from "./commands/health.ts";
import { keyAdoptCommand } from "./commands/key-adopt.ts";
import { ledgerAnchorCommand } from "./commands/ledger-anchor.ts";
import { ledgerVerifyCommand } from "./commands/ledger-verify.ts";
import { migrateCommand } from "./commands/migrate.ts";
import { serveCommand } from "./commands/serve.ts";
import { simulateCommand } from "./commands/simulate.ts";
import { versionCommand } from "./commands/version.ts";

/**
 * Lists the commands in the order of `reprise help`. Each file parses its options and imports its work when it runs, so
 * that `version` does not load a database.
 */
export const commands: Command[] = [
  serveCommand,
  demoCommand,
  simulateCommand,
  adminCreateCommand,
  ledgerVerifyCommand,
  ledgerAnchorCommand,
  keyAdoptCommand,
  migrateCommand,
  healthCommand,
  versionCommand,
];
