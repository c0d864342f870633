/**
 * What is lost, and the record of it in `__meridian_gaps` at the target: the codec of keys and values. Written by
 * tasks of either engine before they go beyond a gap, read by `GET /v1/gaps` and by translation.
 * Invariant: a value of an unknown version is told as unreadable, never guessed.
 */
import Type from 'typebox';
import { Value } from 'typebox/value';

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

const GAP_SCHEMA = Type.Object(
  {
    v: Type.Literal(1),
    link: Type.String({ minLength: 1, maxLength: 128 }),
    topic: Type.String({ minLength: 1, maxLength: 249 }),
    topicId: Type.String({ minLength: 1, maxLength: 36 }),
    copy: Type.String({ minLength: 1, maxLength: 249 }),
    partition: Type.Integer({ minimum: 0 }),
    kind: Type.Union([
      Type.Literal('retention'),
      Type.Literal('recreated'),
      Type.Literal('unclean'),
      Type.Literal('failback'),
    ]),
    from: Type.Integer({ minimum: 0 }),
    to: Type.Integer({ minimum: 0 }),
    epochBefore: Type.Integer({ minimum: -1 }),
    epochAfter: Type.Integer({ minimum: -1 }),
    foundAtMs: Type.Integer({ minimum: 0 }),
    policy: Type.Union([Type.Literal('halt'), Type.Literal('mark-gap'), Type.Literal('new-incarnation')]),
    incarnation: Type.Integer({ minimum: 1 }),
    reason: Type.String({ maxLength: 1_024 }),
  },
  { additionalProperties: false },
);

export type GapRecord = Type.Static<typeof GAP_SCHEMA>;

export function gapKey({ link, topicId, partition, from }: GapRecord): string {
  return `${link}/${topicId}/${partition}/${from}`;
}

export function encodeGap(gap: GapRecord): string {
  return JSON.stringify(gap);
}

/** Undefined: not a gap as this version knows them. */
export function decodeGap(value: string): GapRecord | undefined {
  try {
    const parsed: unknown = JSON.parse(value);
    return Value.Check(GAP_SCHEMA, parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
