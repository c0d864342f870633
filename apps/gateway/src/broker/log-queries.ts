/**
 * Questions about a partition's log that are asked once: where it begins and ends, where an epoch does, and reads of
 * old records. Asked by `client-broker.ts` and, for re-based copies, by `rebased-log.ts`.
 * Invariant: only what is committed counts, of transactions too; offsets are those of the log that is asked.
 */
import { type Client, EARLIEST, LATEST, walkBatches } from '@meridian/client';
import { ERROR, Fetch } from '@meridian/protocol';
import { OriginEpochs } from '../delivery/origin-epochs.ts';
import { LIMITS } from '../limits.ts';
import type { EndsQuery, LogRange, OldSlice, PartitionEnds, TopicFacts } from './broker-port.ts';
import { committedOnly } from './committed-batches.ts';

const COMMITTED = { maxWaitMs: 0, minBytes: 0, isolationLevel: 1 };
const NO_BYTES = Buffer.alloc(0);
const LOOK_UP = { timeoutMs: LIMITS.lookUpTimeoutMs, retryForMs: LIMITS.lookUpRetryMs };

type MaybeEnds = PartitionEnds | undefined;

/** Where logs begin and end, by what is committed; undefined: unavailable. */
export async function readRanges(
  client: Client,
  topic: TopicFacts,
  queries: readonly Pick<EndsQuery, 'partition'>[],
): Promise<(LogRange | undefined)[]> {
  const asked = (timestamp: number) =>
    client.listOffsets(
      queries.map(({ partition }) => ({ topic: topic.name, partition, timestamp })),
      { ...LOOK_UP, isolation: 'read_committed' },
    );
  const [starts, ends] = await Promise.all([asked(EARLIEST), asked(LATEST)]);
  return queries.map((_, index) => {
    const [start, end] = [starts[index], ends[index]];
    if (start === undefined || start.errorCode !== ERROR.NONE || start.offset < 0) return undefined;
    if (end === undefined || end.errorCode !== ERROR.NONE || end.offset < 0) return undefined;
    return { start: start.offset, end: end.offset };
  });
}

/** Nothing is told of a partition of which a part of the answer is missing: half of the truth would be none. */
export async function readEnds(client: Client, topic: TopicFacts, queries: readonly EndsQuery[]): Promise<MaybeEnds[]> {
  const found = await readRanges(client, topic, queries);
  const ranges = queries.map((query, index): (EndsQuery & LogRange) | undefined => {
    const range = found[index];
    return range && { ...query, ...range };
  });
  const known = ranges.filter((range) => range !== undefined && range.epoch >= 0) as (EndsQuery & LogRange)[];
  const epochEnds = await (topic.isCopy ? copyEpochEnds(client, topic, known) : ownEpochEnds(client, topic, known));
  return ranges.map((range) => {
    if (range === undefined) return undefined;
    const { partition, epoch, start, end } = range;
    const epochEnd = epochEnds.get(partition);
    return epoch >= 0 && epochEnd === undefined ? undefined : { start, end, epochEnd: epochEnd ?? undefined };
  });
}

/** By partition; null: no such epoch is known; absent: unavailable. */
type EpochEnds = Map<number, NonNullable<PartitionEnds['epochEnd']> | null>;

async function ownEpochEnds(client: Client, topic: TopicFacts, known: readonly EndsQuery[]): Promise<EpochEnds> {
  const found: EpochEnds = new Map();
  if (known.length === 0) return found;
  const queries = known.map(({ partition, epoch }) => ({ topic: topic.name, partition, leaderEpoch: epoch }));
  for (const answer of await client.offsetForLeaderEpoch(queries, LOOK_UP)) {
    const { partition, errorCode, leaderEpoch, endOffset } = answer;
    if (errorCode === ERROR.NONE) found.set(partition, endOffset < 0 ? null : { epoch: leaderEpoch, endOffset });
  }
  return found;
}

async function copyEpochEnds(
  client: Client,
  topic: TopicFacts,
  known: readonly (EndsQuery & LogRange)[],
): Promise<EpochEnds> {
  const found: EpochEnds = new Map();
  const readOne = async ({ partition, epoch, end }: EndsQuery & LogRange): Promise<void> => {
    const slice = await readOnce(client, topic, partition, end, 1);
    if ('outOfRange' in slice) return;
    const epochs = new OriginEpochs();
    epochs.add(slice.epochs);
    found.set(partition, epochs.endOf(epoch, end) ?? null);
  };
  await Promise.allSettled(known.map(readOne)); // one that fails is left out, and so unavailable
  return found;
}

export async function readOnce(
  client: Client,
  topic: TopicFacts,
  partition: number,
  offset: number,
  maxBytes: number,
): Promise<OldSlice | { outOfRange: LogRange }> {
  const { timeoutMs } = LOOK_UP;
  const leader = await client.leaderOf(topic.name, partition, { timeoutMs });
  const wanted = {
    partition,
    fetchOffset: offset,
    partitionMaxBytes: maxBytes,
    originEpochsFrom: topic.isCopy && !topic.isRebased ? 0 : -1,
  };
  const topics = [{ topic: topic.name, topicId: topic.localId, partitions: [wanted] }];
  const answer = await client.send(Fetch, { ...COMMITTED, maxBytes, topics }, leader, { timeoutMs });
  const found = answer.responses[0]?.partitions[0];
  const errorCode = found?.errorCode ?? answer.errorCode;
  if (found !== undefined && errorCode === ERROR.OFFSET_OUT_OF_RANGE) {
    const [range] = await readRanges(client, topic, [{ partition }]);
    if (range !== undefined) return { outOfRange: range };
  }
  if (found === undefined || errorCode !== ERROR.NONE) {
    await client.metadata([topic.name], { maxAgeMs: 0 });
    throw Object.assign(new Error(`fetch of ${topic.name}-${partition}: error ${errorCode}`), { code: 'unavailable' });
  }
  const { run, bad } = walkBatches(found.records?.[0] ?? NO_BYTES, offset, found.highWatermark);
  if (run === undefined && bad !== undefined && bad.range === undefined) {
    throw Object.assign(new Error(`${topic.name}-${partition}: ${bad.problem}`), { code: 'corrupt' });
  }
  const { buffers, next } = committedOnly(run?.bytes, run?.nextOffset, found.abortedTransactions ?? []);
  return {
    buffers,
    next,
    epochs: found.originEpochs,
    end: found.lastStableOffset < 0 ? found.highWatermark : found.lastStableOffset,
    ...(bad?.range ? { undecodable: { ...bad.range, reason: bad.problem } } : {}),
  };
}
