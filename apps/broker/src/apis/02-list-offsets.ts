/**
 * ListOffsets: the offset for a timestamp or for one of Kafka's special ones. Consumers use it to find the ends of a log.
 * Invariant: no offset beyond the high watermark is told, so a consumer that starts there can fetch at once; and none by a
 * leader that does not know yet how far its predecessor had come, so that the end never goes back.
 */
import { ERROR, ListOffsets, type RequestOf } from '@meridian/protocol';
import { duplicatesIn } from '../controller/decide/decision.ts';
import type { Partition } from '../partition/partition.ts';
import type { Handler, HandlerReach } from './handler.ts';

type Ask = RequestOf<typeof ListOffsets>['topics'][number]['partitions'][number];

/** Kafka's special timestamps, each with the version that brought it. */
const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;
const EARLIEST_LOCAL = -4;
const READ_COMMITTED = 1;
/** Kafka's id of those who compare replicas: any replica tells them where its log ends. */
const DEBUGGING_REPLICA = -2;
const SINCE: Readonly<Record<number, number>> = { [-1]: 1, [-2]: 1, [-3]: 7, [-4]: 8, [-5]: 9, [-6]: 11 };

interface Found {
  readonly timestamp: number;
  readonly offset: number;
  readonly leaderEpoch: number;
}

/** An answer of an older version must not carry an epoch. */
const EPOCH_SINCE = 4;
const NOT_FOUND: Found = { timestamp: -1, offset: -1, leaderEpoch: -1 };
/** Older versions are told that there is no leader yet. */
const NOT_AVAILABLE_SINCE = 5;

export function createListOffsetsHandler({
  partitions,
}: Pick<HandlerReach, 'partitions'>): Handler<typeof ListOffsets> {
  return {
    api: ListOffsets,
    handle(request, { version }) {
      const isDebugging = request.replicaId === DEBUGGING_REPLICA;
      const topics = request.topics.map(({ name, partitions: asks }) => {
        const indexes = asks.map(({ partitionIndex }) => partitionIndex);
        const repeated = duplicatesIn(indexes);
        const once = repeated.size === 0 ? asks : asks.filter((_, i) => indexes.indexOf(indexes[i]!) === i);
        return { name, partitions: once.map((ask) => answerOne(name, ask, repeated.has(ask.partitionIndex))) };
      });
      return { throttleTimeMs: 0, topics };

      function errorAt(partition: Partition, { currentLeaderEpoch }: Ask): number {
        return isDebugging ? partition.errorForReader(currentLeaderEpoch) : partition.errorFor(currentLeaderEpoch);
      }

      function endFor(partition: Partition): number {
        if (isDebugging) return partition.log.endOffset;
        return request.isolationLevel === READ_COMMITTED ? partition.lastStableOffset : partition.highWatermark;
      }

      function answerOne(name: string, ask: Ask, repeated: boolean) {
        const { partitionIndex } = ask;
        const partition = partitions.byName(name, partitionIndex);
        const errorCode =
          malformed(ask, version, repeated) ||
          (partition ? errorAt(partition, ask) : partitions.errorByName(name, partitionIndex));
        if (errorCode !== ERROR.NONE || partition === undefined) return { partitionIndex, errorCode, ...NOT_FOUND };
        const { timestamp, offset, leaderEpoch } = find(partition, ask.timestamp, endFor(partition));
        if (isDebugging) return { partitionIndex, errorCode, timestamp, offset, leaderEpoch };
        if (offset < 0 || ask.timestamp === LATEST) {
          const behind = errorWhileBehind(partition, ask.timestamp, version);
          if (behind !== ERROR.NONE) return { partitionIndex, errorCode: behind, ...NOT_FOUND };
        }
        return { partitionIndex, errorCode, timestamp, offset, leaderEpoch: version < EPOCH_SINCE ? -1 : leaderEpoch };
      }
    },
  };
}

/** What is wrong with the question itself, whether or not the partition exists; else 0. */
function malformed(ask: Ask, version: number, repeated: boolean): number {
  if (repeated) return ERROR.INVALID_REQUEST;
  if (ask.timestamp < 0 && version < (SINCE[ask.timestamp] ?? Number.POSITIVE_INFINITY)) {
    return ERROR.UNSUPPORTED_VERSION;
  }
  return ERROR.NONE;
}

/** The end, and what was not found below it, wait until a new leader knows the end; the start is known at once. */
function errorWhileBehind(partition: Partition, timestamp: number, version: number): number {
  const isOfEnd = timestamp >= LATEST || timestamp === MAX_TIMESTAMP;
  if (!isOfEnd || !partition.isHighWatermarkBehind) return ERROR.NONE;
  return version >= NOT_AVAILABLE_SINCE ? ERROR.OFFSET_NOT_AVAILABLE : ERROR.LEADER_NOT_AVAILABLE;
}

/** What lies in remote tiers (−5, −6) does not exist here, and is answered with −1 as Apache Kafka does without them. */
function find(partition: Partition, timestamp: number, end: number): Found {
  const { log } = partition;
  switch (timestamp) {
    case LATEST:
      return { timestamp: -1, offset: end, leaderEpoch: partition.leaderEpoch };
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { timestamp: -1, offset: log.startOffset, leaderEpoch: log.epochs.epochAt(log.startOffset) };
    case MAX_TIMESTAMP:
      return visible(log.offsetOfMaxTimestamp(), end);
    default:
      return timestamp < 0 ? NOT_FOUND : visible(log.offsetForTimestamp(timestamp), end);
  }
}

function visible(found: Found | undefined, end: number): Found {
  return found !== undefined && found.offset < end ? found : NOT_FOUND;
}
