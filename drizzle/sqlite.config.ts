import { defineConfig } from "drizzle-kit";

delete process.env.DATABASE_URL;

export default defineConfig({ dialect: "sqlite", schema: "./src/db/schema/*.ts", out: "./drizzle/sqlite" });
