/**
 * What is lost, and the record of it in `__meridian_gaps` at the target: the codec of keys and values. Written by
 * tasks of either engine before they go beyond a gap, read by `GET /v1/gaps` and by translation.
 * Invariant: a value of an unknown version is told as unreadable, never guessed.
 */
import { checkSchema } from '@meridian/service';

/** One partition, compacted; keys `<link>/<originTopicId>/<partition>/<from>`. */
export const GAPS_TOPIC = '__meridian_gaps';

export type GapPolicy = 'halt' | 'mark-gap' | 'new-incarnation';

/**
 * `retention`: the origin deleted what was not copied yet. `recreated`: another topic has the name. `unclean`: the
 * origin's log lost what the copy has. `failback`: kept aside when a region came back.
 */
export type GapKind = 'retention' | 'recreated' | 'unclean' | 'failback';

/** Origin offsets `from`..`to` − 1 are not in the copy, or differ there (`unclean`: from here on). */
export interface LostRange {
  readonly kind: GapKind;
  readonly from: number;
  readonly to: number;
  /** Origin epoch of the last record before, and of the first after; −1: not known. */
  readonly epochBefore: number;
  readonly epochAfter: number;
  /** For people. */
  readonly reason: string;
}

const GAP_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    v: { type: 'integer', const: 1 },
    link: { type: 'string', minLength: 1, maxLength: 128 },
    topic: { type: 'string', minLength: 1, maxLength: 249 },
    topicId: { type: 'string', minLength: 1, maxLength: 36 },
    copy: { type: 'string', minLength: 1, maxLength: 249 },
    partition: { type: 'integer', minimum: 0 },
    kind: { type: 'string', enum: ['retention', 'recreated', 'unclean', 'failback'] },
    from: { type: 'integer', minimum: 0 },
    to: { type: 'integer', minimum: 0 },
    epochBefore: { type: 'integer', minimum: -1 },
    epochAfter: { type: 'integer', minimum: -1 },
    foundAtMs: { type: 'integer', minimum: 0 },
    policy: { type: 'string', enum: ['halt', 'mark-gap', 'new-incarnation'] },
    incarnation: { type: 'integer', minimum: 1 },
    reason: { type: 'string', maxLength: 1024 },
  },
  required: [
    'v',
    'link',
    'topic',
    'topicId',
    'copy',
    'partition',
    'kind',
    'from',
    'to',
    'epochBefore',
    'epochAfter',
    'foundAtMs',
    'policy',
    'incarnation',
    'reason',
  ],
} as const;

export interface GapRecord extends LostRange {
  readonly v: 1;
  readonly link: string;
  readonly topic: string;
  readonly topicId: string;
  readonly copy: string;
  readonly partition: number;
  readonly foundAtMs: number;
  /** What was done about it. */
  readonly policy: GapPolicy;
  /** Of the copy when it was found. */
  readonly incarnation: number;
}

export function gapKey({ link, topicId, partition, from }: GapRecord): Buffer {
  return Buffer.from(`${link}/${topicId}/${partition}/${from}`);
}

export function encodeGap(gap: GapRecord): Buffer {
  return Buffer.from(JSON.stringify(gap));
}

/** Undefined: not a gap as this version knows them. */
export function decodeGap(value: Buffer): GapRecord | undefined {
  try {
    const parsed: unknown = JSON.parse(value.toString('utf8'));
    return checkSchema(GAP_SCHEMA, parsed).problems.length === 0 ? (parsed as GapRecord) : undefined;
  } catch {
    return undefined;
  }
}
