import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, posix, relative, resolve, sep } from 'node:path';
import ts from 'typescript';

/** A source file and the files of the same tree that it imports, by path relative to its root. */
export interface SourceFile {
  readonly path: string;
  readonly imports: readonly string[];
  /** Imports and includes as they are written, with those from outside the tree. */
  readonly written: readonly string[];
}

/** A tree of source files in layers. */
export interface SourceTree {
  readonly files: readonly SourceFile[];
  /** The layers, lowest first: directories and files directly in the root, without extensions. */
  readonly layers: readonly (readonly string[])[];
}

/** Reads the TypeScript files of a directory. */
export async function readTypeScript(root: string): Promise<SourceFile[]> {
  return await readFiles(root, /(?<!\.d)\.ts$/, (path, text, known) => {
    const written = ts.preProcessFile(text).importedFiles.map(({ fileName }) => fileName);
    const imports = written
      .filter((name) => name.startsWith('.'))
      .map((name) => relativeTo(root, resolve(dirname(join(root, path)), name)))
      .map((name) => (known.has(`${name}.ts`) ? `${name}.ts` : posix.join(name, 'index.ts')));
    return { path, written, imports };
  });
}

/** Reads the C++ files of a directory, which is an include directory. */
export async function readCpp(root: string): Promise<SourceFile[]> {
  return await readFiles(root, /\.(h|cc)$/, (path, text, known) => {
    const includes = [...text.matchAll(/^\s*#\s*include\s*([<"])([^>"]+)[>"]/gm)];
    const imports = includes
      .filter(([, quote]) => quote === '"')
      .map(([, , name]) => [posix.join(posix.dirname(path), name!), posix.normalize(name!)])
      // As the compiler does: next to the including file first, then in the include directory.
      .flatMap((candidates) => candidates.find((name) => known.has(name)) ?? []);
    return { path, written: includes.map(([, , name]) => name!), imports };
  });
}

/** The directory or file directly in the root that a path belongs to, e.g. `hub`. */
export function moduleOf(path: string): string {
  return unitOf(path.split('/')[0]!);
}

/** A path without its extension: a header and its source are one unit. */
function unitOf(path: string): string {
  return path.replace(/\.(ts|h|cc)$/, '');
}

/** Modules without a layer, and layers without a module. */
export function unassigned({ files, layers }: SourceTree): string[] {
  const modules = new Set(files.map(({ path }) => moduleOf(path)));
  const assigned = new Set(layers.flat());
  return [
    ...[...modules].filter((name) => !assigned.has(name)).map((name) => `${name} has no layer`),
    ...[...assigned].filter((name) => !modules.has(name)).map((name) => `${name} does not exist`),
  ];
}

/** Imports of another module that is not in a lower layer. */
export function upwardImports({ files, layers }: SourceTree): string[] {
  const layerOf = (path: string) => layers.findIndex((layer) => layer.includes(moduleOf(path)));
  return files.flatMap(({ path, imports }) =>
    imports
      .filter((target) => moduleOf(path) !== moduleOf(target) && layerOf(path) <= layerOf(target))
      .map((target) => `${path}: ${target}`),
  );
}

/** Pairs of modules that import each other. */
export function mutualImports({ files }: SourceTree): string[] {
  const edges = new Set(
    files.flatMap(({ path, imports }) =>
      imports.map((target) => `${moduleOf(path)} ${moduleOf(target)}`),
    ),
  );
  return [...edges].filter((edge) => {
    const [from, to] = edge.split(' ') as [string, string];
    return from < to && edges.has(`${to} ${from}`);
  });
}

/** Import cycles among the files of one directory, each as the path around it. */
export function cycles({ files }: SourceTree): string[] {
  const graph = new Map<string, Set<string>>();
  for (const { path, imports } of files) {
    const unit = unitOf(path);
    const targets = graph.get(unit) ?? new Set();
    graph.set(unit, targets);
    for (const target of imports.map(unitOf)) {
      if (target !== unit && moduleOf(target) === moduleOf(path)) targets.add(target);
    }
  }
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (unit: string, trail: readonly string[]): void => {
    const start = trail.indexOf(unit);
    if (start >= 0) found.push([...trail.slice(start), unit].join(' -> '));
    if (start >= 0 || done.has(unit)) return;
    for (const target of graph.get(unit) ?? []) visit(target, [...trail, unit]);
    done.add(unit);
  };
  for (const unit of graph.keys()) visit(unit, []);
  return found;
}

async function readFiles(
  root: string,
  extensions: RegExp,
  parse: (path: string, text: string, known: ReadonlySet<string>) => SourceFile,
): Promise<SourceFile[]> {
  const names = (await readdir(root, { recursive: true })).filter((name) => extensions.test(name));
  const paths = names.map((name) => name.replaceAll(sep, '/'));
  const known = new Set(paths);
  return await Promise.all(
    paths.map(async (path) => parse(path, await readFile(join(root, path), 'utf8'), known)),
  );
}

function relativeTo(root: string, path: string): string {
  return relative(root, path).replaceAll(sep, '/');
}
