/**
 * Where delivery begins in one partition, and what the client is told about it. Pure; asked at every subscribe and
 * whenever a partition or a copy appears later.
 *
 *     wanted offset …              at the origin        on a copy
 *     below the log's start        gap, retention       gap, retention
 *     of another topic id          gap, recreated       gap, recreated
 *     of an epoch that ended       gap, diverged        gap, diverged
 *       below it, with a later one
 *     beyond the log's end         gap, diverged        behind
 *     beyond the cut of a copy
 *       that was promoted          gap, diverged
 *     else                         exact                exact
 *
 * Invariant: never silent. `exact` is said only if the record before the offset is the one that the client has.
 */

import type { GapReason, PartitionStatus } from '@meridian/sdk/frames';
import type { PartitionEnds, TopicFacts } from '../broker/broker-port.ts';

/** A place that a client asks for: the end, the beginning, or behind a record that it has. */
export type Wanted =
  | 'latest'
  | 'earliest'
  | {
      readonly topicId: string;
      readonly offset: number;
      readonly epoch: number;
      /** The client has had so many records more, which this log never got: its origin was lost before. */
      readonly lost?: number;
    };

export interface Start {
  readonly status: PartitionStatus;
  /** Where to read from; below `status.offset` when the copy is behind. */
  readonly reading: number;
  /** Epoch of the record before `status.offset`, −1 if unknown. */
  readonly epoch: number;
}

export function planStart(topic: TopicFacts, partition: number, ends: PartitionEnds, wanted: Wanted): Start {
  const origin = { region: topic.originRegion, topicId: topic.originTopicId, partition };
  const exact = (offset: number, epoch: number): Start => ({
    status: { ...origin, status: 'exact', offset },
    reading: offset,
    epoch,
  });
  const gap = (reason: GapReason, offset: number, from: number, to: number): Start => ({
    status: { ...origin, status: 'gap', offset, from, to, reason },
    reading: offset,
    epoch: -1,
  });
  if (wanted === 'latest') return exact(ends.end, -1);
  if (wanted === 'earliest') return exact(ends.start, -1);
  const { offset, epoch, lost = 0 } = wanted;
  // The old topic's end is not known any more: the range is empty, and everything of the new one is delivered.
  if (wanted.topicId !== topic.originTopicId) return gap('recreated', ends.start, offset, offset);
  if (lost > 0) return gap('diverged', Math.max(offset, ends.start), offset, offset + lost);
  const diverged = divergedAt(topic, ends, offset, epoch);
  if (diverged !== undefined) return gap('diverged', Math.max(diverged, ends.start), diverged, offset);
  if (offset < ends.start) return gap('retention', ends.start, offset, ends.start);
  if (offset <= ends.end) return exact(offset, epoch);
  if (!topic.isCopy) return gap('diverged', ends.end, ends.end, offset);
  const status = { ...origin, status: 'behind', offset, behindBy: offset - ends.end } as const;
  return { status, reading: ends.end, epoch };
}

/** The first offset that holds another record here than the client has seen; undefined: none, or it cannot be told. */
function divergedAt(topic: TopicFacts, ends: PartitionEnds, offset: number, epoch: number): number | undefined {
  const known = ends.epochEnd;
  if (epoch < 0 || known === undefined || offset <= ends.start) return undefined;
  if (known.epoch === epoch) {
    const hasLaterEpoch = known.endOffset < ends.end;
    return known.endOffset < offset && (hasLaterEpoch || !topic.isCopy) ? known.endOffset : undefined;
  }
  // The client's epoch is unknown here. A copy may simply not have received it yet.
  return topic.isCopy && offset > ends.end ? undefined : Math.min(known.endOffset, offset);
}
