/**
 * Records of `__meridian_links` at the target: links that were created while a mirror ran, who paused which link, and
 * since when a link is there. Written and read by the link directory.
 * Invariant: a record that this version cannot read is told as such; nothing is guessed of it.
 *
 *   key           value, JSON with `v` 1; without a value it is gone
 *   link/<name>   epoch (one more at every change), link
 *   pause/<name>  by, atMs: of links from the file, too
 *   began/<name>  atMs: topics that come later begin at their start, whatever the link's `start` says
 */
import { checkSchema, LINK_SCHEMA, type LinkEntry, type LinkSpec, linkSpec, pathText } from '@meridian/service';

/** One partition, compacted. */
export const LINKS_TOPIC = '__meridian_links';

export interface Pause {
  readonly by: string;
  readonly atMs: number;
}

export type LinkRecord =
  | {
      readonly kind: 'link';
      readonly name: string;
      readonly value: { readonly epoch: number; readonly link: LinkSpec };
    }
  | { readonly kind: 'pause'; readonly name: string; readonly value: Pause }
  | { readonly kind: 'began'; readonly name: string; readonly value: { readonly atMs: number } };

/** A tombstone, or a record that cannot be read. */
export type OtherRecord =
  | { readonly kind: 'gone'; readonly of: LinkRecord['kind']; readonly name: string }
  | { readonly kind: 'unreadable'; readonly key: string; readonly reason: string };

const moment = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;
const recordOf = (properties: Record<string, object>) => ({
  type: 'object',
  additionalProperties: false,
  properties: { v: { type: 'integer', const: 1 }, ...properties },
  required: ['v', ...Object.keys(properties)],
});

const SCHEMAS: Readonly<Record<string, object>> = {
  link: recordOf({ epoch: { ...moment, minimum: 1 }, link: LINK_SCHEMA }),
  pause: recordOf({ by: { type: 'string', maxLength: 256 }, atMs: moment }),
  began: recordOf({ atMs: moment }),
};

export const encodeLinkKey = (kind: LinkRecord['kind'], name: string): Buffer => Buffer.from(`${kind}/${name}`);

export const encodeLinkValue = (value: LinkRecord['value']): Buffer => Buffer.from(JSON.stringify({ v: 1, ...value }));

export function decodeLinkRecord(key: Buffer, bytes: Buffer | null): LinkRecord | OtherRecord {
  const text = key.toString('utf8');
  const at = text.indexOf('/');
  const [of, name] = [text.slice(0, at) as LinkRecord['kind'], text.slice(at + 1)];
  const schema = Object.hasOwn(SCHEMAS, of) ? SCHEMAS[of] : undefined;
  if (schema === undefined) return { kind: 'unreadable', key: text.slice(0, 80), reason: 'its kind is not known' };
  if (bytes === null) return { kind: 'gone', of, name };
  let parsed: unknown;
  try {
    parsed = JSON.parse(bytes.toString('utf8'));
  } catch {
    return { kind: 'unreadable', key: text, reason: 'it is not JSON' };
  }
  const version = (parsed as { v?: unknown } | null)?.v;
  if (version !== 1) return { kind: 'unreadable', key: text, reason: `its version is ${JSON.stringify(version)}` };
  const { value, problems } = checkSchema(schema, parsed);
  const problem = problems[0];
  if (problem !== undefined) {
    return { kind: 'unreadable', key: text, reason: `${pathText(problem.path)} ${problem.message}` };
  }
  const { v: _, ...read } = value as { v: number; link?: LinkEntry };
  const filled = read.link === undefined ? read : { ...read, link: linkSpec(read.link) };
  return { kind: of, name, value: filled } as LinkRecord;
}
