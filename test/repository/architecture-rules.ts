import { posix } from "node:path";
import { EDGE_SERVICES, EDGES, LAYERS, LEAVES, MODULES, TYPE_CYCLES } from "./architecture-layout.ts";

/** A source file: its path from the project's root, and what it imports, types included, as paths or package names. */
export interface Source {
  path: string;
  imports: string[];
  text: string;
}

/** A rule returns a line for each offence, so that an empty list is a pass. */
export type Rule = (sources: Source[]) => string[];

/** Types tie files together as values do: both are understood, moved and changed together. */
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

/** Of some places, the most exact one that a path is in. */
export function placeOf(path: string, places: Iterable<string>): string | undefined {
  const fitting = [...places].filter((place) => path.startsWith(place));
  return fitting.sort((a, b) => b.length - a.length)[0];
}

const layerOfPlace = new Map(LAYERS.flatMap((places, layer) => places.map((place) => [place, layer] as const)));

function layerOf(path: string): number | undefined {
  const place = placeOf(path, layerOfPlace.keys());
  return place === undefined ? undefined : layerOfPlace.get(place);
}

function isService(path: string): boolean {
  return placeOf(path, MODULES) !== undefined && !/[rR]outes\.ts$/.test(path) && !path.startsWith("src/delivery/queue");
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

export const noCycles: Rule = (sources) => {
  const importsOf = new Map(
    sources.map(({ path, imports }) => [path, imports.filter((to) => !TYPE_CYCLES.includes(`${path} → ${to}`))]),
  );
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

/** Every file of src is in a layer, so that a new folder has to be given its place. */
export const layersBuildOnLowerOnes: Rule = (sources) => [
  ...sources.flatMap(({ path }) => {
    const [, folder] = path.match(/^(src\/[^/]+\/)/) ?? [];
    return folder === undefined || LAYERS.flat().some((place) => place.startsWith(folder)) ? [] : [`${path}: no layer`];
  }),
  ...forbid(sources, (from, to) => (layerOf(to) ?? -1) > (layerOf(from) ?? Number.POSITIVE_INFINITY)),
];

/** What every other place may import imports little itself. */
export const leavesImportNothing: Rule = (sources) =>
  forbid(sources, (from, to) => {
    const leaf = LEAVES.find((place) => from.startsWith(place));
    return leaf !== undefined && /^src\/.*\//.test(to) && !to.startsWith(leaf);
  });

/** Models are the exception: they describe shapes, with Elysia's `t` and the shapes that all modules share. */
export const servicesKnowNoEdge: Rule = (sources) =>
  forbid(sources, (from, to) => {
    const isShape = isModel(from) && ["elysia", "src/http/schemas.ts"].includes(to);
    if (!isService(from) || EDGE_SERVICES.includes(from)) return false;
    return EDGES.some((edge) => to === edge || (edge.endsWith("/") && to.startsWith(edge))) && !isShape;
  });

export const modelsTakeOnlyShapes: Rule = (sources) =>
  sources.flatMap(({ path, imports, text }) => {
    if (!isModel(path) || !imports.includes("elysia")) return [];
    const names = text.match(/import \{([^}]*)\} from "elysia"/)?.[1]?.split(",") ?? ["all"];
    const others = names.map((name) => name.trim()).filter((name) => name && name !== "t" && !name.startsWith("type "));
    return others.map((name) => `${path} takes ${name} from elysia`);
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
