/**
 * What a script asks of a cluster, and how: each answer is noted beside its question. Used by the scripts that ask Apache
 * Kafka and its twin in the simulator. Invariant: nothing that differs from run to run (ids, times) is noted.
 */
import type { Client } from '@meridian/client';
import { Fetch, Produce } from '@meridian/protocol';
import { iterateBatches, type WriteBatchOptions, writeBatch } from '@meridian/protocol/record-batch';

export interface Subject {
  readonly client: Client;
  /** One of its own, for what waits: answers leave a connection in order. The caller closes it. */
  another(): Client;
}

export type Note = readonly [question: string, answer: unknown];
export type Script = (subject: Subject) => Promise<Note[]>;

/** Before the transactional id stands for the transaction's verification by the broker itself (KIP-890). */
const PRODUCE_VERSION = 11;
const FETCH_VERSION = 12;

export function batchOf(values: readonly string[], options: Partial<WriteBatchOptions> = {}): Buffer {
  const timestamp = 1_700_000_000_000;
  const records = values.map((value) => ({ timestamp, key: Buffer.from(value), value: Buffer.from(value) }));
  return Buffer.from(writeBatch({ records, ...options }).buffer);
}

export async function newTopic({ client }: Subject, name: string, configs: Record<string, string> = {}): Promise<void> {
  const [outcome] = await client.createTopics([{ name, numPartitions: 1, replicationFactor: 1, configs }]);
  if (outcome?.errorCode !== 0) throw new Error(`${name}: ${outcome?.errorMessage}`);
  await untilKnown(client, name);
}

/** Brokers hear of a new topic a moment after it was made. */
async function untilKnown(client: Client, name: string): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const { topics } = await client.metadata([name], { maxAgeMs: 0 });
    if (topics.get(name)?.partitions[0]?.leader === 1) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`${name} has no leader`);
}

export async function produce(
  { client }: Subject,
  topic: string,
  bytes: Buffer,
  transactionalId: string | null = null,
): Promise<{ errorCode: number; baseOffset: number }> {
  const partitionData = [{ index: 0, records: [bytes] }];
  const body = { transactionalId, acks: -1, timeoutMs: 10_000, topicData: [{ name: topic, partitionData }] };
  const leader = await client.leaderOf(topic, 0);
  const answer = await client.send(Produce, body, leader, { version: PRODUCE_VERSION });
  const { errorCode, baseOffset } = answer.responses[0]!.partitionResponses[0]!;
  return { errorCode, baseOffset };
}

/** All that one answer tells of a partition. */
export async function fetch({ client }: Subject, topic: string, fetchOffset: number, isCommitted: boolean) {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 }];
  const body = { maxWaitMs: 0, minBytes: 0, isolationLevel: isCommitted ? 1 : 0, topics: [{ topic, partitions }] };
  const answer = await client.send(Fetch, body, await client.leaderOf(topic, 0), { version: FETCH_VERSION });
  const { errorCode, highWatermark, lastStableOffset, logStartOffset, records, ...rest } =
    answer.responses[0]!.partitions[0]!;
  const batches = [...iterateBatches(Buffer.concat(records ?? []))].map(({ header }) => {
    const { baseOffset, nextOffset, isControl, isTransactional, producerEpoch, baseSequence } = header;
    return { baseOffset, nextOffset, isControl, isTransactional, producerEpoch, baseSequence };
  });
  const aborted = rest.abortedTransactions?.map(({ firstOffset }) => firstOffset) ?? null;
  return { errorCode, highWatermark, lastStableOffset, logStartOffset, aborted, batches };
}

/** The same numbers for everybody. */
export function createDraw(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
