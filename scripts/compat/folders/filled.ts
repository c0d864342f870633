/**
 * What is written into a folder through a broker before it changes hands: partitions of many segments, batches of every
 * codec, keys to be compacted, an idempotent producer, and the offsets of a group.
 */
import assert from 'node:assert/strict';
import {
  CreateTopics,
  compress,
  FindCoordinator,
  InitProducerId,
  OffsetCommit,
  Produce,
  ZERO_UUID,
} from '@meridian/protocol';
import { type WriteBatchOptions, writeBatch } from '@meridian/protocol/record-batch';
import { type Client, settled } from './observed.ts';

export const GROUP = 'readers';
const SECOND_MS = 1_000;
const SEGMENT_SECONDS = 10;
const BATCHES = 45;
export const KEYS = 3;

const configs = (given: Readonly<Record<string, string>>) =>
  Object.entries(given).map(([name, value]) => ({ name, value }));

export async function createTopics(
  client: Client,
  topics: Readonly<Record<string, { partitions: number; configs?: Readonly<Record<string, string>> }>>,
): Promise<void> {
  const wanted = Object.entries(topics).map(([name, { partitions: numPartitions, configs: given = {} }]) => ({
    name,
    numPartitions,
    replicationFactor: -1,
    assignments: [],
    configs: configs(given),
  }));
  const answer = await client.request(CreateTopics, 7, { topics: wanted, timeoutMs: 10_000 });
  for (const { name, errorCode } of answer.topics) assert.equal(errorCode, 0, name);
}

export async function produce(
  client: Client,
  name: string,
  index: number,
  values: readonly (string | [key: string, value: string])[],
  options: Partial<WriteBatchOptions> & { timestamp?: number } = {},
): Promise<void> {
  const { timestamp = Date.now(), ...rest } = options;
  const records = values.map((each) => {
    const [key, value] = typeof each === 'string' ? [null, each] : each;
    return { timestamp, key: key === null ? null : Buffer.from(key), value: Buffer.from(value) };
  });
  const batch = Buffer.from(writeBatch({ records, ...rest }));
  const partitionData = [{ index, records: [batch] }];
  await settled(async () => {
    const topicData = [{ name, topicId: ZERO_UUID, partitionData }];
    const { responses } = await client.request(Produce, 9, { acks: -1, timeoutMs: 10_000, topicData });
    return responses[0]!.partitionResponses[0]!.errorCode === 0 || undefined;
  });
}

/** `plain` in segments of ten seconds each, `packed` in all codecs, `keyed` for the cleaner. */
export async function fill(client: Client): Promise<void> {
  const segments = { 'segment.ms': String(SEGMENT_SECONDS * SECOND_MS) };
  const compacted = { ...segments, 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01' };
  await createTopics(client, {
    plain: { partitions: 3, configs: { ...segments, 'retention.ms': '98765432109' } },
    packed: { partitions: 1 },
    keyed: { partitions: 1, configs: compacted },
  });
  const beganMs = Date.now() - BATCHES * SECOND_MS;
  const { producerId } = await client.request(InitProducerId, 1, { transactionalId: null, transactionTimeoutMs: 0 });
  for (let n = 0; n < BATCHES; n++) {
    const timestamp = beganMs + n * SECOND_MS;
    const producer = { producerId, producerEpoch: 0, baseSequence: n };
    await produce(client, 'plain', 0, [`plain ${n}`], { timestamp, ...producer });
    await produce(client, 'plain', 1 + (n % 2), [`plain ${n} a`, `plain ${n} b`], { timestamp });
    await produce(client, 'keyed', 0, [[`key ${n % KEYS}`, `value ${n}`]], { timestamp });
  }
  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const values = Array.from({ length: 50 }, (_, n) => `${codec} ${n}`);
    await produce(client, 'packed', 0, values, { codec, compress });
  }
}

/** As a consumer without membership does. */
export async function commit(client: Client, offsets: Readonly<Record<string, number>>): Promise<void> {
  const topics = Object.entries(offsets).map(([name, committedOffset]) => ({
    name,
    partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: `at ${committedOffset}` }],
  }));
  await settled(async () => {
    await client.request(FindCoordinator, 1, { key: GROUP, keyType: 0 });
    const answer = await client.request(OffsetCommit, 7, { groupId: GROUP, memberId: '', topics });
    return answer.topics.every((topic) => topic.partitions.every(({ errorCode }) => errorCode === 0)) || undefined;
  });
}
