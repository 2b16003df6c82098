// Runs tests on SQLite, and again whenever a file that they import changes; without arguments the unit tests.
//
//   npm run test:watch -- [parts of file paths…] [flags of bun test…]
import { PROJECT_ROOT } from "./support/project-root.ts";
import { testEnvironment } from "./support/runner.ts";

const given = process.argv.slice(2);
const hasFilter = given.some((argument) => !argument.startsWith("-"));
const command = ["test", "--watch", "--no-env-file", "--timeout=30000", ...(hasFilter ? [] : [".unit.test.ts"])];
const bun = Bun.spawn([process.execPath, ...command, ...given], {
  cwd: PROJECT_ROOT,
  env: testEnvironment(),
  stdio: ["inherit", "inherit", "inherit"],
});
process.exit(await bun.exited);
