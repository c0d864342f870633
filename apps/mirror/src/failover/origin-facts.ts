/**
 * What can be learned of topics at another region within a bound: where their logs end, and who writes. Asked by plans
 * and by runs that wait for writers. Invariant: a region that does not answer costs `originReachMs` and is told as such.
 */
import { LATEST } from '@meridian/client';
import { DescribeProducers, ERROR } from '@meridian/protocol';
import type { RegionSide } from '../link/region-side.ts';
import type { FailoverContext } from './failover-context.ts';
import type { WriterSeen } from './messages.ts';

export interface LogsFound {
  readonly isReachable: boolean;
  /** By `topic partition`; one that nobody leads is missing. */
  readonly ends: ReadonlyMap<string, number>;
}

export interface TopicSize {
  readonly name: string;
  readonly partitions: number;
}

export const placeKey = (topic: string, partition: number): string => `${topic} ${partition}`;

type Asking = Pick<FailoverContext, 'limits' | 'signal' | 'io'>;

export async function logEnds(side: RegionSide, topics: readonly TopicSize[], asking: Asking): Promise<LogsFound> {
  const queries = topics.flatMap(({ name: topic, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition, timestamp: LATEST })),
  );
  const timeoutMs = asking.limits.originReachMs;
  const call = { timeoutMs, retryForMs: timeoutMs / 2, signal: asking.signal };
  try {
    const answers = await side.client.listOffsets(queries, call);
    const good = answers.filter(({ errorCode }) => errorCode === ERROR.NONE);
    const ends = new Map(good.map(({ topic, partition, offset }) => [placeKey(topic, partition), offset]));
    return { isReachable: good.length > 0 || queries.length === 0, ends };
  } catch {
    return { isReachable: false, ends: new Map() };
  }
}

/**
 * Who has appended within `writerQuietMs`, by `topic partition`; a partition that cannot be asked is missing. Producers
 * without an id are not remembered by brokers: one that writes now is seen by the log's growth within `writerLookMs`.
 */
export async function writersOf(
  side: RegionSide,
  topics: readonly TopicSize[],
  asking: Asking,
): Promise<Map<string, WriterSeen[]>> {
  const before = await logEnds(side, topics, asking);
  const [found] = await Promise.all([
    producersOf(side, topics, asking),
    asking.io.timers.sleep(asking.limits.writerLookMs, asking.signal),
  ]);
  const after = await logEnds(side, topics, asking);
  for (const [place, end] of after.ends) {
    const hasGrown = end > (before.ends.get(place) ?? end);
    if (hasGrown && (found.get(place) ?? []).length === 0) found.set(place, [{ producerId: -1, agoMs: 0 }]);
  }
  return found;
}

/** For people. */
export function writerText({ producerId, agoMs }: WriterSeen, place: string): string {
  if (producerId < 0) return `somebody without a producer id writes to ${place}`;
  return `producer ${producerId} wrote to ${place} ${Math.round(agoMs / 1000)} s ago`;
}

async function producersOf(
  side: RegionSide,
  topics: readonly TopicSize[],
  asking: Asking,
): Promise<Map<string, WriterSeen[]>> {
  const { io, limits, signal } = asking;
  const call = { timeoutMs: limits.originReachMs, signal };
  const found = new Map<string, WriterSeen[]>();
  try {
    const names = topics.map(({ name }) => name);
    const view = await side.client.metadata(names, call);
    const byLeader = new Map<number, Map<string, number[]>>();
    for (const { name } of topics) {
      for (const { index, leader } of view.topics.get(name)?.partitions ?? []) {
        const asked = byLeader.get(leader) ?? new Map<string, number[]>();
        asked.set(name, [...(asked.get(name) ?? []), index]);
        if (leader >= 0) byLeader.set(leader, asked);
      }
    }
    const asks = [...byLeader].map(async ([leader, asked]) => {
      const body = { topics: [...asked].map(([name, partitionIndexes]) => ({ name, partitionIndexes })) };
      const answer = await side.client.send(DescribeProducers, body, leader, call);
      for (const { name, partitions } of answer.topics) {
        for (const { partitionIndex, errorCode, activeProducers } of partitions) {
          if (errorCode !== ERROR.NONE) continue;
          const nowMs = io.clock.now();
          const writers = activeProducers
            .map(({ producerId, lastTimestamp }) => ({ producerId, agoMs: Math.max(0, nowMs - lastTimestamp) }))
            .filter(({ agoMs }) => agoMs < limits.writerQuietMs);
          found.set(placeKey(name, partitionIndex), writers);
        }
      }
    });
    await Promise.allSettled(asks);
  } catch {
    // What is missing in the answer cannot be told.
  }
  return found;
}
