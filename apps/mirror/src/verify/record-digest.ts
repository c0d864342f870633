/**
 * Records of both sides, in their origin's offsets, one by one: where the digests of a range differ, and for topics that
 * are compacted, whose sides need not have the same batches.
 * Invariant: the first difference that is named is the one with the lowest offset.
 */
import { createHash } from 'node:crypto';
import { decompress } from '@meridian/protocol';
import { readRecords } from '@meridian/protocol/record-batch';
import type { ReadBatch } from './log-window.ts';

export interface RecordDigest {
  readonly offset: number;
  /** Of key, value, headers and timestamp. */
  readonly content: string;
  /** Null: the record has no key. */
  readonly key: string | null;
  readonly hasValue: boolean;
}

/** `missing`: in the copy. `surplus`: the origin does not have it. */
export interface Difference {
  readonly offset: number;
  readonly kind: 'missing' | 'surplus' | 'different';
  readonly record: RecordDigest;
}

/** Those at or above `from` and below `to`. `originOf` is undefined where the offset is nothing that was copied. */
export function* recordsOf(
  batch: Pick<ReadBatch, 'bytes'>,
  { from, to }: { from: number; to: number },
  originOf: (offset: number) => number | undefined,
): Generator<RecordDigest> {
  for (const record of readRecords(batch.bytes, { decompress })) {
    const offset = originOf(record.offset);
    if (offset === undefined || offset < from || offset >= to) continue;
    const { key, value, headers, timestamp } = record;
    const hash = createHash('sha256').update(`${timestamp}`);
    for (const part of [key, value, ...headers.flatMap(({ key: name, value: bytes }) => [Buffer.from(name), bytes])])
      hash.update(part === null ? '-' : `${part.length},`).update(part ?? '');
    yield { offset, content: hash.digest('base64'), key: key && hashOf(key), hasValue: value !== null };
  }
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64');

/** Both in the order of their offsets. */
export function* differences(origin: readonly RecordDigest[], copy: readonly RecordDigest[]): Generator<Difference> {
  let at = 0;
  for (const record of origin) {
    for (; at < copy.length && copy[at]!.offset < record.offset; at++)
      yield { offset: copy[at]!.offset, kind: 'surplus', record: copy[at]! };
    const other = copy[at];
    if (other?.offset !== record.offset) yield { offset: record.offset, kind: 'missing', record };
    else if (other.content !== record.content) yield { offset: record.offset, kind: 'different', record };
    if (other?.offset === record.offset) at++;
  }
  for (const record of copy.slice(at)) yield { offset: record.offset, kind: 'surplus', record };
}
