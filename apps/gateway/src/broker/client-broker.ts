/**
 * The brokers of the region, through the Kafka client, on the internal listener: only there are the origin's epochs
 * of copies told. The gateway's shell makes one.
 * Invariant: what a topic is (copy or not, of which region and topic id) is read from its configs, never from its name.
 */

import {
  type Client,
  createClient,
  EARLIEST,
  type Fetcher,
  LATEST,
  type TopicView,
  walkBatches,
} from '@meridian/client';
import type { Io, Logger, Timers } from '@meridian/io';
import { ERROR, Fetch } from '@meridian/protocol';
import { OriginEpochs } from '../delivery/origin-epochs.ts';
import { LIMITS } from '../limits.ts';
import type {
  BrokerPort,
  EndsQuery,
  LogRange,
  OldSlice,
  PartitionEnds,
  Tail,
  TailHandlers,
  TopicFacts,
} from './broker-port.ts';

export interface ClientBrokerOptions {
  region: string;
  bootstrap: readonly { host: string; port: number }[];
  secret: string;
}

const ORIGIN_REGION = 'meridian.origin.region';
const ORIGIN_TOPIC_ID = 'meridian.origin.topic.id';
const NO_BYTES = Buffer.alloc(0);
const LOOK_UP = { timeoutMs: LIMITS.lookUpTimeoutMs, retryForMs: LIMITS.lookUpRetryMs };

export function createClientBroker(
  io: Pick<Io, 'clock' | 'timers' | 'random' | 'net'>,
  options: ClientBrokerOptions,
  log: Logger,
): BrokerPort {
  const { bootstrap, secret, region } = options;
  const client = createClient({ io, bootstrap, clientId: `gateway-${region}`, secret, log });
  const fetcher = client.fetcher();
  const describe = (views: readonly TopicView[]) => factsOf(client, region, views);
  return {
    async describe(names) {
      const view = await client.metadata(names, { maxAgeMs: 0 });
      return describe([...view.topics.values()]);
    },
    async create(name) {
      const view = await client.metadata([name], { maxAgeMs: 0, autoCreate: true });
      return (await describe([...view.topics.values()])).get(name);
    },
    async countTopics(prefix) {
      const view = await client.metadata('all', { maxAgeMs: LIMITS.topicCountMaxAgeMs });
      return [...view.topics.keys()].filter((name) => name.startsWith(prefix)).length;
    },
    ends: (topic, queries) => readEnds(client, topic, queries),
    read: (topic, partition, offset, maxBytes) => readOnce(client, topic, partition, offset, maxBytes),
    tail: (topic, partition, offset, handlers) =>
      follow({ fetcher, timers: io.timers, log }, topic, partition, offset, handlers),
    async produce(topic, partition, batch) {
      const timeoutMs = LIMITS.requestTimeoutMs;
      const answer = await client.produce(topic.name, partition, [batch], { timeoutMs });
      const { errorCode, errorMessage, baseOffset, storedEpoch, duplicate } = answer;
      return { errorCode, errorMessage, baseOffset, leaderEpoch: storedEpoch, isDuplicate: duplicate };
    },
    initProducer: () => client.initProducerId({ timeoutMs: LIMITS.requestTimeoutMs }),
    async close() {
      fetcher.close();
      await client.close();
    },
  };
}

async function factsOf(client: Client, region: string, views: readonly TopicView[]): Promise<Map<string, TopicFacts>> {
  const facts = new Map<string, TopicFacts>();
  const found = views.filter((view) => view.errorCode === ERROR.NONE && view.partitions.length > 0);
  if (found.length === 0) return facts;
  const configs = await client.describeTopicConfigs(found.map((view) => view.name));
  for (const { name, id, partitions } of found) {
    const values = configs.get(name);
    if (values === undefined || values.errorCode !== ERROR.NONE) continue; // deleted in between
    const originRegion = values.values.get(ORIGIN_REGION)?.value || region;
    const originTopicId = values.values.get(ORIGIN_TOPIC_ID)?.value || id;
    const isCopy = originRegion !== region;
    facts.set(name, { name, localId: id, partitions: partitions.length, originRegion, originTopicId, isCopy });
  }
  return facts;
}

type MaybeEnds = PartitionEnds | undefined;

/** Nothing is told of a partition of which a part of the answer is missing: half of the truth would be none. */
async function readEnds(client: Client, topic: TopicFacts, queries: readonly EndsQuery[]): Promise<MaybeEnds[]> {
  const asked = (timestamp: number) =>
    client.listOffsets(
      queries.map(({ partition }) => ({ topic: topic.name, partition, timestamp })),
      LOOK_UP,
    );
  const [starts, ends] = await Promise.all([asked(EARLIEST), asked(LATEST)]);
  const ranges = queries.map((query, index): (EndsQuery & LogRange) | undefined => {
    const [start, end] = [starts[index], ends[index]];
    if (start === undefined || start.errorCode !== ERROR.NONE || start.offset < 0) return undefined;
    if (end === undefined || end.errorCode !== ERROR.NONE || end.offset < 0) return undefined;
    return { ...query, start: start.offset, end: end.offset };
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

async function readOnce(
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
    originEpochsFrom: topic.isCopy ? 0 : -1,
  };
  const topics = [{ topic: topic.name, topicId: topic.localId, partitions: [wanted] }];
  const answer = await client.send(Fetch, { maxWaitMs: 0, minBytes: 0, maxBytes, topics }, leader, { timeoutMs });
  const found = answer.responses[0]?.partitions[0];
  const errorCode = found?.errorCode ?? answer.errorCode;
  if (found !== undefined && errorCode === ERROR.OFFSET_OUT_OF_RANGE) {
    const [ends] = await readEnds(client, topic, [{ partition, epoch: -1 }]);
    if (ends !== undefined) return { outOfRange: { start: ends.start, end: ends.end } };
  }
  if (found === undefined || errorCode !== ERROR.NONE) {
    await client.metadata([topic.name], { maxAgeMs: 0 });
    throw Object.assign(new Error(`fetch of ${topic.name}-${partition}: error ${errorCode}`), { code: 'unavailable' });
  }
  const { run, bad } = walkBatches(found.records?.[0] ?? NO_BYTES, offset, found.highWatermark);
  if (run === undefined && bad !== undefined && bad.range === undefined) {
    throw Object.assign(new Error(`${topic.name}-${partition}: ${bad.problem}`), { code: 'corrupt' });
  }
  return {
    buffers: run === undefined ? [] : [run.bytes],
    epochs: found.originEpochs,
    end: found.highWatermark,
    ...(bad?.range ? { undecodable: { ...bad.range, reason: bad.problem } } : {}),
  };
}

interface FollowDeps {
  readonly fetcher: Fetcher;
  readonly timers: Timers;
  readonly log: Logger;
}

function follow(
  { fetcher, timers, log }: FollowDeps,
  topic: TopicFacts,
  partition: number,
  offset: number,
  handlers: TailHandlers,
): Tail {
  let isRemoved = false;
  const handle = fetcher.add({
    topic: topic.name,
    topicId: topic.localId,
    partition,
    offset,
    ...(topic.isCopy ? { originEpochsFrom: 0 } : {}),
    onBatches: ({ buffers, originEpochs }) => handlers.onSlice({ buffers, epochs: originEpochs }),
    onEnd: (highWatermark, hole) => {
      if (hole) handlers.onAdvance(highWatermark);
    },
    onError(failure) {
      if (failure.divergence !== undefined) return handlers.onDiverged(Math.max(0, failure.divergence.endOffset));
      if (failure.code === ERROR.OFFSET_OUT_OF_RANGE) {
        return handlers.onOutOfRange({ start: failure.logStartOffset, end: failure.highWatermark });
      }
      if (failure.range !== undefined) {
        const { range, detail } = failure;
        log.warn('a batch cannot be read', { topic: topic.name, partition, ...range, detail });
        handlers.onSlice({ buffers: [], epochs: [], undecodable: { ...range, reason: detail } });
        return handle.seek(range.to);
      }
      // The topic is gone or another one, which the topics' poll will find; or the answer made no sense.
      const { code, detail } = failure;
      log.warn('cannot follow a partition', { topic: topic.name, partition, offset: handle.position, code, detail });
      timers.after(LIMITS.tailRetryMs, () => {
        if (!isRemoved) handle.seek(handle.position);
      });
    },
  });
  return {
    seek: (to) => handle.seek(to),
    remove() {
      isRemoved = true;
      handle.remove();
    },
  };
}
