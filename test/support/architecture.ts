import { posix } from "node:path";

/** A source file: its path from the project's root, and what it imports at run time, as paths or package names. */
export interface Source {
  path: string;
  imports: string[];
  text: string;
}

/** A rule returns a line for each offence, so that an empty list is a pass. */
export type Rule = (sources: Source[]) => string[];

/** Lowest first: a room builds on those before it. */
const rooms = [
  "calendar",
  "templates",
  "understanding",
  "contactFiles",
  "files",
  "limits",
  "identity",
  "brands",
  "invitations",
  "senders",
  "contacts",
  "credits",
  "messages",
  "bans",
  "payments",
  "chargebee",
  "campaigns",
  "imports",
  "conversations",
  "delivery",
  "simulator",
];

/** What belongs to the edges: verbs know neither how they are reached nor how the process was set up. */
function isEdge(target: string): boolean {
  return ["elysia", "bullmq", "ioredis", "src/config.ts"].includes(target) || target.startsWith("src/http/");
}

export function readSource(path: string, text: string): Source {
  // The transpiler leaves out what is imported for its types alone, which ties nothing together at run time.
  const scanned = new Bun.Transpiler({ loader: "ts" }).scanImports(text);
  const resolve = (target: string) => (target.startsWith(".") ? posix.join(posix.dirname(path), target) : target);
  return { path, text, imports: scanned.map((found) => resolve(found.path)) };
}

function folderOf(path: string): string {
  return path.match(/^src\/([^/]+)\//)?.[1] ?? "";
}

function isVerb(path: string): boolean {
  return rooms.includes(folderOf(path)) && !/[rR]outes\.ts$/.test(path) && !path.startsWith("src/delivery/queue");
}

function isModel(path: string): boolean {
  return path.endsWith("/model.ts");
}

/** Every import that a rule forbids, written as from → to. */
function forbid(sources: Source[], isForbidden: (from: string, to: string) => boolean): string[] {
  return sources.flatMap(({ path, imports }) =>
    imports.filter((target) => isForbidden(path, target)).map((target) => `${path} → ${target}`),
  );
}

export const noCircles: Rule = (sources) => {
  const importsOf = new Map(sources.map(({ path, imports }) => [path, imports]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: string[]): void => {
    if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
    if (done.has(path) || trail.includes(path)) return;
    for (const target of importsOf.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
  return circles;
};

export const databaseKnowsNoRoom: Rule = (sources) =>
  forbid(sources, (from, to) => folderOf(from) === "db" && rooms.includes(folderOf(to)));

/** Models are the exception: they describe shapes, with Elysia's `t` and the shapes that all rooms share. */
export const verbsKnowNoEdge: Rule = (sources) =>
  forbid(sources, (from, to) => {
    const isShape = isModel(from) && ["elysia", "src/http/model.ts"].includes(to);
    return isVerb(from) && isEdge(to) && !isShape;
  });

export const modelsTakeOnlyShapes: Rule = (sources) =>
  sources.flatMap(({ path, imports, text }) => {
    if (!isModel(path) || !imports.includes("elysia")) return [];
    const names = text.match(/import \{([^}]*)\} from "elysia"/)?.[1]?.split(",") ?? ["all"];
    const others = names.map((name) => name.trim()).filter((name) => name && name !== "t" && !name.startsWith("type "));
    return others.map((name) => `${path} takes ${name} from elysia`);
  });

export const roomsBuildOnLowerOnes: Rule = (sources) =>
  forbid(sources, (from, to) => {
    const [here, there] = [rooms.indexOf(folderOf(from)), rooms.indexOf(folderOf(to))];
    return here >= 0 && there > here;
  });

/** Anyone may import a channel, so a channel may import little: the files of src itself, its own folder, the senders. */
export const channelsAreLeaves: Rule = (sources) =>
  forbid(sources, (from, to) => {
    const isOurs = to.startsWith("src/");
    return folderOf(from) === "channels" && isOurs && !["", "channels", "senders"].includes(folderOf(to));
  });

export const namesSaySomething: Rule = (sources) =>
  sources
    .map(({ path }) => path)
    .filter((path) => path.split("/").some((part) => /^(utils?|helpers?|common|managers?|index)(\.ts)?$/.test(part)));

export const noDefaultExport: Rule = (sources) =>
  sources.filter(({ text }) => /^export (default\b|\{[^}]*\bas default\b)/m.test(text)).map(({ path }) => path);

export const filesAreShort: Rule = (sources) =>
  sources
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > 250)
    .map(({ path, lines }) => `${path} has ${lines} lines`);

/** Biome refuses `any`; this refuses to silence it, but for the one cast. */
export const oneUntypedCast: Rule = (sources) =>
  sources
    .filter(({ path, text }) => text.includes("suspicious/noExplicitAny") && path !== "src/db/columns.ts")
    .map(({ path }) => path);
