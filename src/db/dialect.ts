export type Dialect = "sqlite" | "postgres";

/** Which database this process speaks: Postgres when DATABASE_URL names one, else SQLite in the data folder. */
export function dialectOf(databaseUrl: string | undefined): Dialect {
  return /^postgres(ql)?:/i.test(databaseUrl?.trim() ?? "") ? "postgres" : "sqlite";
}

/**
 * Chosen once, when the schema is built. Besides `config.ts` the only reader of the environment: tables are constants,
 * so their builder has to be known before any configuration object exists.
 */
export const dialect: Dialect = dialectOf(process.env.DATABASE_URL);
