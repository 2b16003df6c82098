import { expect, test } from "bun:test";
import { join } from "node:path";
import { parseConfig } from "../../src/server/config/config.ts";
import { PROJECT_ROOT } from "../support/project-root.ts";

interface Service {
  image?: string;
  build?: string;
  depends_on?: Record<string, { condition: string }>;
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  configs?: { source: string }[];
  tmpfs?: string;
  healthcheck?: { test: string[] };
  stop_grace_period?: string;
}

interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, null>;
  configs: Record<string, { content: string }>;
}

const text = await Bun.file(join(PROJECT_ROOT, "compose.yaml")).text();
const dockerfile = await Bun.file(join(PROJECT_ROOT, "Dockerfile")).text();
const compose = Bun.YAML.parse(text) as Compose;
const services = Object.entries(compose.services);
const { app } = compose.services;

/** Passwords that an operator has to choose. */
const required = [...new Set([...text.matchAll(/\$\{([A-Z0-9_]+):\?/g)].map(([, name]) => String(name)))];

/** Replaces `${NAME}`, `${NAME:-default}` and `${NAME:?message}`, from the inside out, as Compose does. */
function interpolate(value: string, env: Record<string, string>): string {
  const next = value.replace(
    /\$\{([A-Z0-9_]+)(?:(:-|:\?)([^${}]*))?\}/g,
    (_, name: string, _kind, fallback = "") => env[name] || fallback,
  );
  return next === value ? value : interpolate(next, env);
}

const passwords = Object.fromEntries(
  required.map((name) => [name, `${name.length}f3a9`.padEnd(64, "0a7c5e19d4b8263f")]),
);
const filledIn = (value: string) => interpolate(value, passwords);

test("compose: every service has a health check, and waits for the health of what it needs", () => {
  expect(services.filter(([, { healthcheck }]) => !healthcheck?.test.length).map(([name]) => name)).toEqual([]);
  for (const [, { depends_on = {} }] of services) {
    for (const [name, { condition }] of Object.entries(depends_on)) {
      expect(compose.services).toHaveProperty(name);
      expect(condition).toBe("service_healthy");
    }
  }
  expect(Object.keys(app?.depends_on ?? {}).toSorted()).toEqual(["postgres", "redis", "s3"]);
});

test("compose: volumes and configs that services name are declared, and no others", () => {
  const mounted = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(":")[0] ?? ""));
  expect(mounted.toSorted()).toEqual(Object.keys(compose.volumes).toSorted());
  const granted = services.flatMap(([, { configs = [] }]) => configs.map(({ source }) => source));
  expect(granted).toEqual(Object.keys(compose.configs));
});

test("compose: ports are published on the loopback address only", () => {
  const ports = services.flatMap(([, service]) => service.ports ?? []);
  expect(ports).toHaveLength(1);
  for (const port of ports) expect(port).toStartWith("127.0.0.1:");
});

test("compose: holds no password, and asks for the ones that its first lines and .env.example make", async () => {
  expect(required.toSorted()).toEqual(["POSTGRES_PASSWORD", "REDIS_PASSWORD", "REPRISE_SECRET", "S3_SERVER_SECRET"]);
  expect(
    text
      .match(/for name in ([A-Z0-9_ ]+);/)?.[1]
      ?.split(" ")
      .toSorted(),
  ).toEqual(required.toSorted());
  const example = await Bun.file(join(PROJECT_ROOT, ".env.example")).text();
  for (const name of required) expect(example).toMatch(new RegExp(`^#${name}=$`, "m"));
  for (const [, { environment = {} }] of services) {
    const secrets = Object.entries(environment).filter(([name]) => /PASSWORD|SECRET|AUTH|_URL$/.test(name));
    const open = secrets.filter(([name, value]) => !value.includes(":?") && !/^(PUBLIC_URL)$/.test(name));
    expect(open).toEqual([]);
  }
});

test("compose: the app is configured for the other services, by names and passwords that they have", () => {
  const environment = Object.entries(app?.environment ?? {}).map(([name, value]) => [name, filledIn(value)]);
  const config = parseConfig(Object.fromEntries(environment));
  const database = new URL(config.databaseUrl ?? "");
  const redis = new URL(config.redisUrl ?? "");
  const { postgres, s3 } = compose.services;
  expect(database.hostname).toBe("postgres");
  expect(database.pathname).toBe(`/${postgres?.environment?.POSTGRES_DB}`);
  expect([database.username, database.password]).toEqual([
    filledIn(postgres?.environment?.POSTGRES_USER ?? ""),
    filledIn(postgres?.environment?.POSTGRES_PASSWORD ?? ""),
  ]);
  expect(redis.hostname).toBe("redis");
  expect(filledIn(compose.configs.redis?.content ?? "")).toContain(`requirepass ${redis.password}\n`);
  expect(config.s3?.endpoint).toBe(`http://s3${s3?.environment?.VGW_PORT}`);
  expect(config.s3?.region).toBe(s3?.environment?.VGW_REGION ?? "");
  expect(config.s3?.keys).toEqual({
    id: filledIn(s3?.environment?.ROOT_ACCESS_KEY_ID ?? ""),
    secret: filledIn(s3?.environment?.ROOT_SECRET_ACCESS_KEY ?? ""),
  });
  expect(config.publicUrl).toBe("http://localhost:3000");
});

test("compose: agrees with the image about folder, port, program and health check", () => {
  expect(app?.build).toBe(".");
  const folder = app?.environment?.DATA_DIR;
  expect(app?.volumes).toEqual([`app-data:${folder}`]);
  expect(dockerfile).toContain(`VOLUME ${folder}\n`);
  expect(dockerfile).toContain(`EXPOSE ${app?.environment?.PORT}\n`);
  expect(app?.ports?.[0]).toEndWith(`:${app?.environment?.PORT}`);
  const [, ...command] = app?.healthcheck?.test ?? [];
  expect(dockerfile).toContain(`CMD ${JSON.stringify(command).replaceAll(",", ", ")}\n`);
  expect(Number.parseInt(app?.stop_grace_period ?? "", 10)).toBeGreaterThan(parseConfig({}).stopTimeoutSeconds);
});

test("compose: every image has a version, and the S3 server is the one that CI tests against", async () => {
  for (const [name, { image = "" }] of services) if (name !== "app") expect(image).toMatch(/:v?\d/);
  const version = compose.services.s3?.image?.split(":")[1];
  expect(await Bun.file(join(PROJECT_ROOT, ".ci/run")).text()).toContain(`versitygw@${version}\n`);
});
