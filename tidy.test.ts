/**
 * The house rules as a test: sizes, layers, circles, dead files, the one doorway to the world, names,
 * dependencies. A rule that fails names each place. Run alone with `vitest run tidy.test.ts`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT, readSources, type SourceFile, trackedFiles } from './scripts/tidy/source-files.ts';

const files = readSources();
const code = files.filter((file) => !file.isTest);
const house = code.filter((file) => /^(apps|packages)\//.test(file.path));

/** Tables: one entry a line, read by looking up; their length says nothing. */
const TABLES = [
  /^packages\/protocol\/src\/apis\//,
  /^packages\/protocol\/src\/error-codes\.ts$/,
  /\/configs?-table\.ts$/,
];
/** Where a workspace may import from; an app may import every package but no app. */
const MAY_IMPORT: Record<string, string[]> = {
  'packages/io': [],
  'packages/protocol': [],
  'packages/quorum': [],
  'packages/sdk': ['packages/protocol'],
  'packages/log': ['packages/io', 'packages/protocol'],
  'packages/client': ['packages/io', 'packages/protocol'],
  'packages/coordinates': ['packages/io', 'packages/protocol', 'packages/client'],
  'packages/service': ['packages/io', 'packages/protocol'],
  'packages/tenancy': ['packages/io', 'packages/protocol'],
};
/** Files that a process, a package's user or a tool opens; nobody in the house need import them. */
const isEntry = (path: string, entries: Set<string>): boolean =>
  entries.has(path) ||
  /(^|\/)main\.ts$|\.config\.ts$|\.(test|fuzz)\.ts$/.test(path) ||
  !/^(apps|packages)\//.test(path);

const workspaceOf = (path: string): string => path.split('/').slice(0, 2).join('/');
const quantile = (values: number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;

describe('sizes', () => {
  const measured = files.filter((file) => !TABLES.some((table) => table.test(file.path)));

  test('no file is over 500 lines', () => {
    expect(measured.filter((file) => file.lines > 500).map((file) => `${file.path}: ${file.lines}`)).toEqual([]);
  });

  test('half of the files are at most 110 lines and nine of ten at most 300', () => {
    const lines = measured.map((file) => file.lines);
    expect(quantile(lines, 0.5)).toBeLessThanOrEqual(110);
    expect(quantile(lines, 0.9)).toBeLessThanOrEqual(300);
  });

  test('no function is over 70 lines and nine of ten are at most 32', () => {
    const functions = code.flatMap((file) => file.functions.map((found) => ({ ...found, path: file.path })));
    const long = functions.filter((found) => found.lines > 70);
    expect(long.map((found) => `${found.path}:${found.line} ${found.name}: ${found.lines}`)).toEqual([]);
    expect(
      quantile(
        functions.map((found) => found.lines),
        0.9,
      ),
    ).toBeLessThanOrEqual(32);
  });
});

describe('structure', () => {
  test('imports only go down', () => {
    expect(house.flatMap((file) => file.imports.flatMap(({ target }) => upward(file, target)))).toEqual([]);
  });

  test('the sdk imports nothing of the protocol but record batches, and nothing of Node', () => {
    const sdk = house.filter((file) => file.path.startsWith('packages/sdk/'));
    const foreign = sdk.flatMap((file) =>
      file.imports.filter(({ specifier }) => !/^\.|^@meridian\/protocol\/record-batch$/.test(specifier)),
    );
    expect(foreign.map(({ specifier }) => specifier)).toEqual([]);
    const batches = code.filter((file) => /^packages\/(protocol\/src\/record-batch|sdk\/src)\//.test(file.path));
    expect(batches.filter((file) => /\bBuffer\.|from 'node:/.test(file.text)).map((file) => file.path)).toEqual([]);
    expect(
      batches
        .flatMap((file) =>
          file.imports.filter(
            ({ target }) => target && !/^packages\/(protocol\/src\/record-batch|sdk\/src)\//.test(target),
          ),
        )
        .map(({ target }) => target),
    ).toEqual([]);
  });

  test('no file imports itself in a circle', () => {
    expect(circles(house)).toEqual([]);
  });

  test('every file is imported by another or is an entry', () => {
    const imported = new Set(files.flatMap((file) => file.imports.map(({ target }) => target)));
    const entries = new Set(exportedFiles());
    expect(
      house.filter((file) => !imported.has(file.path) && !isEntry(file.path, entries)).map((file) => file.path),
    ).toEqual([]);
  });

  test('files, network, timers, clock and randomness are reached through packages/io alone', () => {
    const outside = house.filter(
      (file) => !/^packages\/io\/|^apps\/console\/|^packages\/sdk\/src\/default-runtime\.ts$/.test(file.path),
    );
    const imports = outside.flatMap((file) =>
      file.imports
        .filter(({ specifier }) => /^node:(fs|net|timers|dgram|tls)\b/.test(specifier))
        .map(({ specifier }) => `${file.path} imports ${specifier}`),
    );
    const calls = outside.flatMap((file) =>
      file.worldCalls.map(({ name, line }) => `${file.path}:${line} calls ${name}`),
    );
    expect([...imports, ...calls]).toEqual([]);
  });
});

describe('manners', () => {
  test('no enum, no default export', () => {
    const allowed = /\.config\.ts$|^loadtest\//;
    expect(
      files
        .filter((file) => file.hasEnum || (file.hasDefaultExport && !allowed.test(file.path)))
        .map((file) => file.path),
    ).toEqual([]);
  });

  test('files are kebab-case nouns; none is a drawer of odds and ends', () => {
    const bad = files.filter(({ path }) => {
      const name = path.split('/').at(-1) ?? '';
      return (
        !/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|fuzz|config))?\.ts$/.test(name) ||
        /(^|[-/])(utils?|common|helpers?|managers?|misc)([-./]|$)/.test(path)
      );
    });
    expect(bad.map(({ path }) => path)).toEqual([]);
  });

  test('every source file opens with a comment that says what it is', () => {
    expect(house.filter((file) => !/^(#!.*\n)?\/(\*\*|\/)/.test(file.text)).map((file) => file.path)).toEqual([]);
  });

  test('no test is skipped or alone, nothing is marked unfinished', () => {
    const unfinished = /\b(it|test|describe)\.(skip|todo|only)\b|\b(TODO|FIXME|XXX)\b/;
    const places = files.filter((file) => file.path !== 'tidy.test.ts' && unfinished.test(file.text));
    expect(places.map((file) => file.path)).toEqual([]);
  });
});

describe('dependencies', () => {
  const manifests = trackedFiles().filter((path) => /(^|\/)package\.json$/.test(path));
  const external = manifests.flatMap((path) => {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
    return Object.entries<string>({ ...dependencies, ...devDependencies });
  });

  test('versions are exact', () => {
    expect(external.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  test('docs/dependencies.md has a line for each and for no other', () => {
    const wanted = new Set(external.map(([name]) => name).filter((name) => !name.startsWith('@meridian/')));
    const listed = readFileSync(join(ROOT, 'docs/dependencies.md'), 'utf8').matchAll(/^\| `([^`]+)` \|/gm);
    expect(new Set([...listed].map((match) => match[1]))).toEqual(wanted);
  });

  test('the lockfile names no registry', () => {
    expect(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved": "http/);
  });
});

function upward(file: SourceFile, target: string | undefined): string[] {
  const from = workspaceOf(file.path);
  if (target === undefined || workspaceOf(target) === from || from === 'packages/sim') return [];
  const to = workspaceOf(target);
  const allowed = from.startsWith('apps/')
    ? to.startsWith('packages/') && to !== 'packages/sim'
    : MAY_IMPORT[from]?.includes(to);
  return allowed ? [] : [`${file.path} imports ${target}`];
}

function exportedFiles(): string[] {
  return trackedFiles()
    .filter((path) => /^(apps|packages)\/[^/]+\/package\.json$/.test(path))
    .flatMap((path) => {
      const { exports = {} } = JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as {
        exports?: Record<string, string>;
      };
      return Object.values(exports).map((value) => join(workspaceOf(path), value));
    });
}

/** Strongly connected groups of files, by a depth-first walk that remembers its path. */
function circles(sources: SourceFile[]): string[] {
  const graph = new Map(
    sources.map((file) => [
      file.path,
      file.imports.filter((item) => !item.typeOnly).flatMap((item) => item.target ?? []),
    ]),
  );
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (path: string, trail: string[]): void => {
    if (trail.includes(path)) found.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
    else if (!done.has(path)) {
      for (const next of graph.get(path) ?? []) walk(next, [...trail, path]);
      done.add(path);
    }
  };
  for (const path of graph.keys()) walk(path, []);
  return found;
}
