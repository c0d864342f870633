/**
 * One YAML file with its lines kept: parses, checks against a schema, and says of any field where it stands.
 * Used by `regions.ts` and, for `links.yaml` alone, by `links-file.ts`.
 * Invariant: every complaint names file, line and field.
 */
import { isMap, isNode, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import { checkSchema, type Problem, pathText, type Schema } from '../schema.ts';

export interface YamlSource<T> {
  file: string;
  /** What the schema made of it; only to be used when `complaints` is empty. */
  value: T;
  complaints: string[];
  /** `file:line: field message`. */
  complain(path: Problem['path'], message: string): string;
}

/** `schema`: for all such files, or picked by what stands in this one. */
export function readYaml<T>(file: string, text: string, schema: Schema | ((value: unknown) => Schema)): YamlSource<T> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const at = (offset: number): number => lines.linePos(offset).line;

  const complain = (path: Problem['path'], message: string): string =>
    `${file}:${at(offsetOf(document.contents, path))}: ${pathText(path)} ${message}`;
  if (document.errors.length > 0) {
    const complaints = document.errors.map((error) => `${file}:${at(error.pos[0])}: ${firstLine(error.message)}`);
    return { file, value: {} as T, complaints, complain };
  }
  const plain = toPlain(document);
  const { value, problems } = checkSchema(typeof schema === 'function' ? schema(plain) : schema, plain);
  const complaints = problems.map(({ path, message }) => complain(path, message));
  return { file, value: value as T, complaints, complain };
}

/** An alias bomb is no region: aliases are not taken at all. */
function toPlain(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    return null;
  }
}

/** Where the field begins, at its key; a field that is missing stands where its parent does. */
function offsetOf(root: unknown, path: Problem['path']): number {
  let node: unknown = root;
  let offset = rangeStart(root);
  for (const part of path) {
    const pair = isMap(node) ? pairOf(node, part) : undefined;
    const next: unknown = pair ? pair.value : hasItems(node) ? node.items[part as number] : undefined;
    if (pair === undefined && next === undefined) return offset;
    offset = rangeStart(pair ? pair.key : next, offset);
    node = next;
  }
  return offset;
}

const pairOf = (map: YAMLMap, key: string | number) =>
  map.items.find((pair) => isNode(pair.key) && String((pair.key as { value?: unknown }).value) === String(key));

const hasItems = (node: unknown): node is { items: unknown[] } => isNode(node) && 'items' in node && !isMap(node);

const rangeStart = (node: unknown, otherwise = 0): number => (isNode(node) ? node.range?.[0] : undefined) ?? otherwise;

const firstLine = (text: string): string => text.split('\n', 1)[0]?.replace(/ at line \d+.*$/, '') ?? text;
