import { posix } from "node:path";
import { EDGE_FILES, EDGES, LAYERS, MODULES, SEPARATE, SHORT_FUNCTIONS } from "./architecture-layout.ts";

/** A source file: its path from the project's root, and what it imports, types included, as paths or package names. */
export interface Source {
  path: string;
  imports: string[];
  text: string;
}

/** Checks source files and returns one line for each violation. */
export type Rule = (sources: Source[]) => string[];

/** Imports of types count as those of values: files that import each other are understood and changed together. */
const IMPORTS = [
  /^\s*(?:import|export)\b[^;"]*?\bfrom\s+"([^"]+)"/gm,
  /\bimport\(\s*"([^"]+)"\s*\)/g,
  /^\s*import\s+"([^"]+)"/gm,
];

export function readSource(path: string, text: string): Source {
  const resolve = (target: string) => (target.startsWith(".") ? posix.join(posix.dirname(path), target) : target);
  const found = IMPORTS.flatMap((pattern) => [...text.matchAll(pattern)].map(([, target = ""]) => resolve(target)));
  return { path, text, imports: [...new Set(found)] };
}

/** Returns the longest place that a path begins with. */
function placeOf(path: string, places: Iterable<string>): string | undefined {
  const fitting = [...places].filter((place) => path.startsWith(place));
  return fitting.sort((a, b) => b.length - a.length)[0];
}

const layerOfPlace = new Map(LAYERS.flatMap((places, layer) => places.map((place) => [place, layer] as const)));

function layerOf(path: string): number | undefined {
  const place = placeOf(path, layerOfPlace.keys());
  return place === undefined ? undefined : layerOfPlace.get(place);
}

const isRoutes = (path: string) => /[/-]routes\.ts$/.test(path);

function isService(path: string): boolean {
  return placeOf(path, MODULES) !== undefined && !isRoutes(path) && !EDGE_FILES.includes(path);
}

function isModel(path: string): boolean {
  return path.endsWith("/model.ts");
}

/** Lists the imports that a rule forbids, as from → to. */
function forbid(sources: Source[], isForbidden: (from: string, to: string) => boolean): string[] {
  return sources.flatMap(({ path, imports }) =>
    imports.filter((target) => isForbidden(path, target)).map((target) => `${path} → ${target}`),
  );
}

export const noCycles: Rule = (sources) => {
  const importsOf = new Map(sources.map(({ path, imports }) => [path, imports]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: string[]): void => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
    if (done.has(path) || trail.includes(path)) return;
    for (const target of importsOf.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
  return cycles;
};

/** Every file of src is in a layer, so that a new folder or module must be given its place. */
export const lowerLayersOnly: Rule = (sources) => [
  ...sources.flatMap(({ path }) => (layerOf(path) === undefined ? [`${path}: no layer`] : [])),
  ...forbid(sources, (from, to) => {
    const isSeparate = SEPARATE.some(([one, other]) => from.startsWith(one) && to.startsWith(other));
    return isSeparate || (layerOf(to) ?? -1) > (layerOf(from) ?? Number.POSITIVE_INFINITY);
  }),
];

/** Model files are the exception: they describe shapes with `t` of Elysia and the shapes that all modules share. */
export const noEdgeInServices: Rule = (sources) =>
  forbid(sources, (from, to) => {
    const isShape = isModel(from) && ["elysia", "src/http/schemas.ts"].includes(to);
    if (!isService(from)) return false;
    return EDGES.some((edge) => to === edge || (edge.endsWith("/") && to.startsWith(edge))) && !isShape;
  });

export const onlyShapesInModels: Rule = (sources) =>
  sources.flatMap(({ path, imports, text }) => {
    if (!isModel(path) || !imports.includes("elysia")) return [];
    const names = text.match(/import \{([^}]*)\} from "elysia"/)?.[1]?.split(",") ?? ["all"];
    const others = names.map((name) => name.trim()).filter((name) => name && name !== "t" && !name.startsWith("type "));
    return others.map((name) => `${path} takes ${name} from elysia`);
  });

export const descriptiveNames: Rule = (sources) =>
  sources
    .map(({ path }) => path)
    .filter((path) => path.split("/").some((part) => /^(utils?|helpers?|common|managers?|index)(\.ts)?$/.test(part)));

export const noDefaultExport: Rule = (sources) =>
  sources.filter(({ text }) => /^export (default\b|\{[^}]*\bas default\b)/m.test(text)).map(({ path }) => path);

export const shortFiles: Rule = (sources) =>
  sources
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > 250)
    .map(({ path, lines }) => `${path} has ${lines} lines`);

/** File and folder names are in kebab-case; `x.unit.test.ts`, `x.macro.ts` and `x.d.ts` have their suffixes. */
export const kebabCase: Rule = (sources) =>
  sources
    .map(({ path }) => path)
    .filter((path) => !path.split("/").every((part) => /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)*$/.test(part)));

const MAX_FUNCTION_LINES = 70;
const FUNCTION_START =
  /^(\s*)(?:(?:export )?(?:async )?function\b.*|(?:static |get |set |async |\*)*[#\w]+(?:<[^>]*>)?\(.*\{|.*=> \{)$/;

/** Counts the lines of each function by the indentation of its closing brace, which the formatter guarantees. */
function longFunctions({ path, text }: Source): string[] {
  const lines = text.split("\n");
  return lines.flatMap((line, start) => {
    const [found, indent = ""] = line.match(FUNCTION_START) ?? [];
    if (found === undefined || /^\s*(?:if|for|while|switch|return|await|\/?\*)/.test(line)) return [];
    const length = lines.slice(start + 1).findIndex((next) => next.startsWith(`${indent}}`)) + 2;
    return length > MAX_FUNCTION_LINES ? [`${path}:${start + 1} has ${length} lines`] : [];
  });
}

/** A routes file is one chain of declarations, and is exempt. */
export const shortFunctions: Rule = (sources) =>
  sources.filter(({ path }) => placeOf(path, SHORT_FUNCTIONS) !== undefined && !isRoutes(path)).flatMap(longFunctions);

/** Biome forbids `any`; this rule forbids suppressing it, except for the one cast. */
export const oneUntypedCast: Rule = (sources) =>
  sources
    .filter(({ path, text }) => text.includes("suspicious/noExplicitAny") && path !== "src/db/columns.ts")
    .map(({ path }) => path);
