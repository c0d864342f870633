/**
 * A broker with many partitions as its operator sees it: creating them, writing to each, stopping and starting again; and
 * whether others are served meanwhile. Used by `bench -- partitions`, on Meridian and on Apache Kafka alike.
 */
import { readdirSync } from 'node:fs';
import { ApiVersions, CreateTopics, DeleteTopics, ERROR, errorName, Produce, ZERO_UUID } from '@meridian/protocol';
import { type Payload, PRODUCE_VERSION } from '../broker/payloads.ts';
import { RawConnection } from '../broker/raw-connection.ts';

const PARTITIONS_PER_TOPIC = 1_000;
const TIMEOUT_MS = 120_000;
const ANSWER_BYTES = 1_048_576;
const PROBE_EVERY_MS = 20;
const RETRY_MS = 200;

const topicName = (index: number): string => `many-${index}`;
const topicCount = (partitions: number): number => Math.ceil(partitions / PARTITIONS_PER_TOPIC);

/** One CreateTopics for each thousand partitions; one after another. */
export async function createPartitions(port: number, partitions: number): Promise<void> {
  await withConnection(port, async (connection) => {
    for (let index = 0; index < topicCount(partitions); index++) {
      const numPartitions = Math.min(PARTITIONS_PER_TOPIC, partitions - index * PARTITIONS_PER_TOPIC);
      const topic = { name: topicName(index), numPartitions, replicationFactor: 1, assignments: [], configs: [] };
      const answer = await connection.request(CreateTopics, 7, { timeoutMs: TIMEOUT_MS, topics: [topic] });
      check(answer.topics[0]?.errorCode, 'CreateTopics');
    }
  });
}

/** All topics in one request. */
export async function deletePartitions(port: number, partitions: number): Promise<void> {
  await withConnection(port, async (connection) => {
    const topicNames = Array.from({ length: topicCount(partitions) }, (_, index) => topicName(index));
    const answer = await connection.request(DeleteTopics, 5, { topicNames, timeoutMs: TIMEOUT_MS });
    for (const { errorCode } of answer.responses) check(errorCode, 'DeleteTopics');
  });
}

/** One batch into every partition. A leader that does not know yet that it leads is asked again. */
export async function writeToAll(port: number, partitions: number, payload: Payload): Promise<void> {
  await withConnection(port, async (connection) => {
    for (let index = 0; index < topicCount(partitions); index++) {
      const count = Math.min(PARTITIONS_PER_TOPIC, partitions - index * PARTITIONS_PER_TOPIC);
      let left = Array.from({ length: count }, (_, partition) => partition);
      while (left.length > 0) {
        left = await writeOnce(connection, topicName(index), left, payload);
        if (left.length > 0) await pause(RETRY_MS);
      }
    }
  });
}

/** Returns the partitions that have to be asked again. */
async function writeOnce(connection: RawConnection, name: string, partitions: readonly number[], payload: Payload) {
  const partitionData = partitions.map((index) => ({ index, records: [payload.batch] }));
  const topicData = [{ name, topicId: ZERO_UUID, partitionData }];
  const answer = await connection.request(Produce, PRODUCE_VERSION, { acks: -1, timeoutMs: TIMEOUT_MS, topicData });
  const answered = answer.responses[0]?.partitionResponses ?? [];
  const isEarly = (code: number) => code === ERROR.UNKNOWN_TOPIC_OR_PARTITION || code === ERROR.NOT_LEADER_OR_FOLLOWER;
  for (const { errorCode } of answered) if (!isEarly(errorCode)) check(errorCode, 'Produce');
  return answered.filter(({ errorCode }) => isEarly(errorCode)).map(({ index }) => index);
}

/** Longest that another client waited for an answer while `run` was under way. */
export async function longestWaitMs(port: number, run: () => Promise<void>): Promise<number> {
  let isDone = false;
  let longest = 0;
  const probe = withConnection(port, async (connection) => {
    while (!isDone) {
      const began = performance.now();
      await connection.request(ApiVersions, 3, { clientSoftwareName: 'bench', clientSoftwareVersion: '1' });
      longest = Math.max(longest, performance.now() - began);
      await pause(PROBE_EVERY_MS);
    }
  });
  try {
    await run();
  } finally {
    isDone = true;
    await probe;
  }
  return longest;
}

export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

export const pause = (delayMs: number): Promise<void> => new Promise((done) => setTimeout(done, delayMs));

async function withConnection<T>(port: number, run: (connection: RawConnection) => Promise<T>): Promise<T> {
  const connection = await RawConnection.open(port, { keepBytes: ANSWER_BYTES });
  try {
    return await run(connection);
  } finally {
    connection.close();
  }
}

function check(errorCode: number | undefined, what: string): void {
  if (errorCode !== ERROR.NONE) throw new Error(`${what}: ${errorName(errorCode ?? ERROR.UNKNOWN_SERVER_ERROR)}`);
}
