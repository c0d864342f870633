/**
 * Reads the tracked TypeScript of the house for `tidy.test.ts`: text, imports, functions and forbidden words,
 * from one parse per file. Files that git does not track yet but would are read too, so a rule bites before a commit.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseSync, Visitor } from 'rolldown/utils';

export const ROOT = resolve(import.meta.dirname, '../..');

export interface SourceFile {
  /** Path from the root, with forward slashes. */
  path: string;
  text: string;
  lines: number;
  isTest: boolean;
  imports: Import[];
  functions: { name: string; line: number; lines: number }[];
  /** Global clock, timer and random calls: `Date.now`, `setTimeout`, … */
  worldCalls: { name: string; line: number }[];
  hasDefaultExport: boolean;
  hasEnum: boolean;
}

export interface Import {
  specifier: string;
  /** Path from the root of the file it names, for relative and workspace imports that were found. */
  target: string | undefined;
  typeOnly: boolean;
}

type Node = { type: string; start: number; end: number; [key: string]: unknown };

const WORLD_GLOBALS = new Set(['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval']);
const WORLD_MEMBERS = new Set(['Date.now', 'Math.random', 'performance.now']);

/** Every file that git knows or would add, from the root. */
export function trackedFiles(): string[] {
  const list = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' });
  return [...new Set(list.split('\n').filter(Boolean))].sort();
}

export function readSources(): SourceFile[] {
  const paths = trackedFiles().filter((path) => path.endsWith('.ts'));
  const known = new Set(paths);
  const packages = workspaceExports();
  return paths.flatMap((path) => {
    const text = readText(path);
    return text === undefined ? [] : [readSource(path, text, known, packages)];
  });
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(join(ROOT, path), 'utf8');
  } catch {
    return undefined; // deleted in the work tree, not yet in the index
  }
}

function readSource(path: string, text: string, known: Set<string>, packages: Map<string, string>): SourceFile {
  const { program, module } = parseSync(path, text);
  const lineAt = lineIndex(text);
  const file: SourceFile = {
    path,
    text,
    lines: text.split('\n').length - 1,
    isTest: /\.(test|fuzz)\.ts$/.test(path) || /^(e2e|scripts)\//.test(path) || /\/testing\//.test(path),
    imports: [],
    functions: [],
    worldCalls: [],
    hasDefaultExport: /^export default /m.test(text),
    hasEnum: false,
  };
  const add = (specifier: string, typeOnly: boolean): void => {
    file.imports.push({ specifier, typeOnly, target: resolveImport(path, specifier, known, packages) });
  };
  for (const item of module.staticImports)
    add(item.moduleRequest.value, item.entries.length > 0 && item.entries.every((entry) => entry.isType));
  for (const item of module.staticExports)
    for (const entry of item.entries) if (entry.moduleRequest) add(entry.moduleRequest.value, entry.isType);
  for (const item of module.dynamicImports)
    add(text.slice(item.moduleRequest.start + 1, item.moduleRequest.end - 1), false);
  new Visitor(visitors(file, lineAt) as never).visit(program);
  return file;
}

function visitors(file: SourceFile, lineAt: (position: number) => number): Record<string, (node: Node) => void> {
  const measure = (node: Node): void => {
    const line = lineAt(node.start);
    const name = (node.id as { name?: string } | null)?.name ?? '(anonymous)';
    file.functions.push({ name, line, lines: lineAt(node.end) - line + 1 });
  };
  return {
    FunctionDeclaration: measure,
    FunctionExpression: measure,
    ArrowFunctionExpression: measure,
    TSEnumDeclaration: () => {
      file.hasEnum = true;
    },
    CallExpression: (node) => {
      const callee = node.callee as Node & { name?: string; object?: { name?: string }; property?: { name?: string } };
      const name =
        callee.type === 'MemberExpression' ? `${callee.object?.name}.${callee.property?.name}` : (callee.name ?? '');
      if (WORLD_GLOBALS.has(name) || WORLD_MEMBERS.has(name)) file.worldCalls.push({ name, line: lineAt(node.start) });
    },
    NewExpression: (node) => {
      const callee = node.callee as { name?: string };
      if (callee.name === 'Date' && (node.arguments as unknown[]).length === 0)
        file.worldCalls.push({ name: 'new Date()', line: lineAt(node.start) });
    },
  };
}

function resolveImport(from: string, specifier: string, known: Set<string>, packages: Map<string, string>) {
  const target = specifier.startsWith('.') ? join(dirname(from), specifier) : packages.get(specifier);
  return target !== undefined && known.has(target) ? target : undefined;
}

/** `@meridian/io/sim` → `packages/io/src/sim/sim-world.ts`, from every workspace's `exports`. */
function workspaceExports(): Map<string, string> {
  const found = new Map<string, string>();
  for (const path of trackedFiles().filter((name) => /^(apps|packages)\/[^/]+\/package\.json$/.test(name))) {
    const { name, exports } = JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
    for (const [key, value] of Object.entries<string>(exports ?? {}))
      found.set(join(name, key), join(dirname(path), value));
  }
  return found;
}

function lineIndex(text: string): (position: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (position) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) <= position) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  };
}
