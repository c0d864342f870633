/**
 * Append-at-offset: the mirror's way into a copy. The batches keep the offsets that they have at their origin.
 * Called by the partition for a produce that carries the mirror's tag, on the internal listener only.
 * Invariant: either everything is appended, at its origin's offsets, or nothing is. A retry, a zombie or a pipelined
 * request can neither duplicate nor leave a hole: it finds another log end than it expects, and is told which.
 */

import type { Log } from '@meridian/log';
import { ERROR } from '@meridian/protocol';
import { abortMarker, emptyBatch } from '@meridian/protocol/record-batch';
import type { TopicSettings } from './topic-settings.ts';
import { batchSizeAt, checkMirroredBatch } from './validation/batch-checks.ts';
import { ProduceRefusal } from './validation/produce-refusal.ts';

/** The mirror's tag of a produce. */
export interface MirrorTag {
  readonly originTopicId: string;
  readonly expectedEnd: number;
  /** −1, or where the log shall end; behind the last record it is reached by batches without records. */
  readonly endOffset: number;
}

const MAX_EMPTY_SPAN = 2 ** 31;

/** Throws `ProduceRefusal` unless this very append is the next one of this very copy. */
export function checkMirrorTag(
  tag: MirrorTag,
  { originTopicId, writer }: Pick<TopicSettings, 'originTopicId' | 'writer'>,
  logEnd: number,
): void {
  if (originTopicId === undefined || writer !== 'mirror') {
    const message = writer === 'nobody' ? 'The copy is sealed.' : 'The topic is no copy of a mirror.';
    throw new ProduceRefusal(ERROR.POLICY_VIOLATION, message);
  }
  if (tag.originTopicId !== originTopicId) {
    const message = `The copy is of topic id ${originTopicId}, not of ${tag.originTopicId}.`;
    throw new ProduceRefusal(ERROR.INCONSISTENT_TOPIC_ID, message);
  }
  if (tag.expectedEnd !== logEnd) {
    throw new ProduceRefusal(ERROR.OFFSET_OUT_OF_RANGE, `The log ends at ${logEnd}, not at ${tag.expectedEnd}.`);
  }
}

/** Checks the batches and cuts them apart; throws `ProduceRefusal`. */
export function cutMirroredBatches(records: Buffer, expectedEnd: number, maxBatches: number): Buffer[] {
  const batches: Buffer[] = [];
  let end = expectedEnd;
  for (let at = 0; at < records.length; ) {
    const size = batchSizeAt(records, at);
    if (size === undefined) throw new ProduceRefusal(ERROR.INVALID_RECORD, 'The last batch is incomplete.');
    if (batches.length === maxBatches)
      throw new ProduceRefusal(ERROR.INVALID_RECORD, `More than ${maxBatches} batches.`);
    const batch = records.subarray(at, at + size);
    const header = checkMirroredBatch(batch);
    if (header.baseOffset < end) {
      throw new ProduceRefusal(ERROR.INVALID_RECORD, `A batch begins at ${header.baseOffset}, below ${end}.`);
    }
    end = header.nextOffset;
    batches.push(batch);
    at += size;
  }
  return batches;
}

/** Appends what has been checked; the origin's epochs are kept before ours are stamped. */
export function appendMirrored(log: Log, batches: readonly Buffer[], endOffset: number, leaderEpoch: number): void {
  if (batches.length > 0) log.appendMirrored(batches, leaderEpoch);
  while (log.endOffset < endOffset) {
    const baseOffset = log.endOffset;
    const lastOffset = Math.min(endOffset, baseOffset + MAX_EMPTY_SPAN) - 1;
    const bytes = emptyBatch({ baseOffset, lastOffset, leaderEpoch });
    log.append([Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)], leaderEpoch);
  }
}

/** Ends, as aborted, the transactions that the origin had open when the copy was promoted. */
export function abortOpenTransactions(log: Log, leaderEpoch: number, nowMs: number): void {
  const open = [...log.producers.active()].filter(({ currentTxnStartOffset }) => currentTxnStartOffset >= 0);
  for (const { producerId, producerEpoch, coordinatorEpoch } of open) {
    const of = { producerId, producerEpoch, coordinatorEpoch, timestamp: nowMs };
    const bytes = abortMarker({ ...of, baseOffset: log.endOffset, leaderEpoch });
    log.append([Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)], leaderEpoch);
  }
}
