/**
 * Checks a value against a JSON Schema with ajv and fills in defaults: process configs and regions files go through
 * it. The schema is a literal `as const` or TypeBox's; TypeBox's own checker would cost every process 20 MB and 170 ms
 * (ajv: 4 MB), so a process takes only its types.
 * Invariant: a keyword that is not known is an error of the schema, never silently ignored.
 */
import { Ajv, type ErrorObject } from 'ajv';
import { LIMITS } from './limits.ts';

export interface Problem {
  /** The field's place, e.g. `['client', 'port']`. */
  path: readonly (string | number)[];
  message: string;
}

/** JSON Schema, draft 7. */
export type Schema = object;

/** The schemas are ours and strict mode reads them: ajv's schema of schemas, 3 MB, is left out. */
const ajv = new Ajv({
  allErrors: true,
  useDefaults: true,
  strict: true,
  strictRequired: true,
  ownProperties: true,
  verbose: true,
  meta: false,
  validateSchema: false,
});

/** Returns the value with defaults filled in (a copy), and what is wrong with it, one problem per place. */
export function checkSchema(schema: Schema, value: unknown): { value: unknown; problems: Problem[] } {
  const root = structuredClone(value);
  const validate = ajv.compile(schema);
  if (validate(root)) return { value: root, problems: [] };
  const byPlace = new Map<string, Problem>();
  for (const error of validate.errors ?? []) {
    const problem = { path: pathOf(error, root), message: messageOf(error) };
    const place = JSON.stringify(problem.path);
    if (!byPlace.has(place)) byPlace.set(place, problem);
  }
  return { value: root, problems: [...byPlace.values()].slice(0, LIMITS.maxProblems) };
}

/** A copy of what was checked, with defaults filled in as by `checkSchema`, which would compile the schema for it. */
export function withDefaults(schema: Schema, value: unknown): unknown {
  const { properties } = schema as { properties?: Record<string, { default?: unknown }> };
  if (typeof value !== 'object' || value === null || properties === undefined) return structuredClone(value);
  const filled: Record<string, unknown> = { ...value };
  for (const [name, field] of Object.entries(properties)) {
    const given = filled[name] === undefined ? field.default : filled[name];
    if (given !== undefined) filled[name] = withDefaults(field, given);
  }
  return filled;
}

/** `client.port`, `links[0].from`; the whole value is `(root)`. */
export function pathText(path: Problem['path']): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
  return text === '' ? '(root)' : text.replace(/^\./, '');
}

/** What a keyword's failure is called; `params` are ajv's, `data` is the value at the place. */
const MESSAGES: Readonly<Record<string, (error: ErrorObject) => string>> = {
  type: ({ params, data }) => `must be ${withArticle(params.type)}, is ${typeText(data)}`,
  required: () => 'is missing',
  additionalProperties: ({ parentSchema }) =>
    `is not a known field (known: ${Object.keys(parentSchema?.properties ?? {}).join(', ')})`,
  const: ({ params }) => `must be ${JSON.stringify(params.allowedValue)}`,
  enum: ({ params }) =>
    `must be one of ${params.allowedValues.map((each: unknown) => JSON.stringify(each)).join(', ')}`,
  minimum: ({ params }) => `must be at least ${params.limit}`,
  maximum: ({ params }) => `must be at most ${params.limit}`,
  minLength: ({ params }) => `must have at least ${params.limit} characters`,
  maxLength: ({ params }) => `must have at most ${params.limit} characters`,
  minItems: ({ params }) => `needs ${params.limit} items or more`,
  maxItems: ({ params }) => `takes ${params.limit} items at most`,
  pattern: ({ params, data }) => `must match ${params.pattern}, is ${JSON.stringify(data)}`,
};

const messageOf = (error: ErrorObject): string => MESSAGES[error.keyword]?.(error) ?? error.message ?? 'is wrong';

/** Ajv's JSON pointer as a path; of a field that is missing or unknown the field's own, not its parent's. */
function pathOf({ instancePath, params }: ErrorObject, root: unknown): Problem['path'] {
  const path: (string | number)[] = [];
  let node = root;
  for (const escaped of instancePath.split('/').slice(1)) {
    const name = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(node) ? Number(name) : name);
    node = (node as Record<string, unknown>)[name];
  }
  const field: string | undefined = params.missingProperty ?? params.additionalProperty;
  return field === undefined ? path : [...path, field];
}

function typeText(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'an array';
  return withArticle(Number.isInteger(value) ? 'integer' : typeof value);
}

const withArticle = (noun: string): string => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;
