export type Dialect = "sqlite" | "postgres";

/** Which database this process speaks: Postgres when DATABASE_URL names one, else SQLite in the data folder. */
export function dialectOf(databaseUrl: string | undefined): Dialect {
  return /^postgres(ql)?:/i.test(databaseUrl?.trim() ?? "") ? "postgres" : "sqlite";
}

/**
 * Chosen once, when the schema is built. Besides `config.ts` the only reader of the environment: tables are constants,
 * so their builder has to be known before any configuration object exists.
 */
export const dialect: Dialect = chosen(process.env);

function chosen({ DATABASE_URL, DATABASE_URL_FILE }: NodeJS.ProcessEnv): Dialect {
  // What the file holds, `config.ts` reads and checks: on SQLite there would be none.
  return !DATABASE_URL?.trim() && DATABASE_URL_FILE?.trim() ? "postgres" : dialectOf(DATABASE_URL);
}
