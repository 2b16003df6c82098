import type { S3Settings } from "../../lib/storage/s3.ts";
import type { EnvironmentParser } from "./environment.ts";

/** Variables that mean nothing without S3_BUCKET. */
const S3_DETAILS = [
  "S3_ENDPOINT",
  "S3_REGION",
  "S3_ACCESS_KEY_ID",
  "S3_SECRET_ACCESS_KEY",
  "S3_FORCE_PATH_STYLE",
  "S3_PREFIX",
];

/** Parses S3_*; null when no bucket is named, and images are kept in the data folder. */
export function parseS3Settings(env: EnvironmentParser): S3Settings | null {
  const { problems } = env;
  const bucket = env.text("S3_BUCKET");
  const endpoint = env.url("S3_ENDPOINT", ["http:", "https:"]);
  const region = env.text("S3_REGION") ?? "us-east-1";
  const prefix = env.text("S3_PREFIX")?.replace(/^\/+|\/+$/g, "") ?? "";
  const pathStyle = env.boolean("S3_FORCE_PATH_STYLE", endpoint !== null);
  const keys = parseKeys(env);
  if (bucket !== null && !/^[\w.-]{3,63}$/.test(bucket))
    problems.push(`S3_BUCKET: expected the name of a bucket, got ${JSON.stringify(bucket)}`);
  if (!/^[\w-]+$/.test(region)) problems.push(`S3_REGION: expected a region's name, got ${JSON.stringify(region)}`);
  if (!/^[\w./-]*$/.test(prefix))
    problems.push(`S3_PREFIX: expected letters, digits, ".", "_", "-" and "/", got ${JSON.stringify(prefix)}`);
  const useless = S3_DETAILS.find((name) => bucket === null && env.text(name) !== null);
  if (useless) problems.push(`S3_BUCKET: expected the name of a bucket, because ${useless} is set`);
  return bucket === null ? null : { bucket, region, endpoint, pathStyle, keys, prefix: prefix && `${prefix}/` };
}

function parseKeys(env: EnvironmentParser): S3Settings["keys"] {
  const [id, secret] = [env.text("S3_ACCESS_KEY_ID"), env.text("S3_SECRET_ACCESS_KEY")];
  if (id !== null && secret !== null) return { id, secret };
  if (id === null && secret === null) return null;
  const [missing, given] =
    id === null ? ["S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"] : ["S3_SECRET_ACCESS_KEY", "S3_ACCESS_KEY_ID"];
  env.problems.push(`${missing}: expected beside ${given}; set both, or neither to use the machine's own role`);
  return null;
}
