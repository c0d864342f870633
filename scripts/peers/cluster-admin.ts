/**
 * What the bench, the chaos and the compat runs ask a cluster for: topics with given replicas, who leads, who is the active
 * controller, reassignments. One request on a connection of its own, to whichever node answers.
 */
import {
  AlterPartitionReassignments,
  type Api,
  CreateTopics,
  DeleteTopics,
  DescribeQuorum,
  ERROR,
  errorName,
  Metadata,
  type RequestInput,
  type ResponseOf,
  ZERO_UUID,
} from '@meridian/protocol';
import { RawConnection } from '../bench/broker/raw-connection.ts';
import type { Cluster } from './cluster.ts';

const TIMEOUT_MS = 30_000;
const ASK_AGAIN_MS = 50;
const ANSWER_LIMIT_MS = 10_000;
const ANSWER_BYTES = 4_194_304;

export interface PartitionState {
  readonly index: number;
  /** −1 while there is none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

export const pause = (delayMs: number): Promise<void> => new Promise((done) => setTimeout(done, delayMs));

/** One request to one node; rejects if it is not there, or does not answer in time. */
export async function ask<A extends Api>(
  port: number,
  api: A,
  version: number,
  body: RequestInput<A>,
  limitMs = ANSWER_LIMIT_MS,
): Promise<ResponseOf<A>> {
  const late = AbortSignal.timeout(limitMs);
  const expired = new Promise<never>((_, fail) =>
    late.addEventListener('abort', () => fail(new Error(`${api.name}: no answer in ${limitMs} ms`)), { once: true }),
  );
  const opening = RawConnection.open(port, { keepBytes: ANSWER_BYTES });
  opening.then(
    (connection) => late.addEventListener('abort', () => connection.close(), { once: true }),
    () => {},
  );
  const connection = await Promise.race([opening, expired]);
  try {
    return await Promise.race([connection.request(api, version, body), expired]);
  } finally {
    connection.close();
  }
}

/** Of the first node that answers; those that are paused or away are passed over. */
export async function askAny<A extends Api>(
  cluster: Cluster,
  api: A,
  version: number,
  body: RequestInput<A>,
  limitMs = ANSWER_LIMIT_MS,
): Promise<ResponseOf<A>> {
  let failure: unknown = new Error('no node runs');
  for (const node of cluster.nodes) {
    if (node.pid === undefined || node.isPaused) continue;
    try {
      return await ask(node.clientPort, api, version, body, limitMs);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

export async function createTopic(
  cluster: Cluster,
  name: string,
  replicas: readonly (readonly number[])[],
  configs: Readonly<Record<string, string>> = {},
): Promise<void> {
  const assignments = replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds: [...brokerIds] }));
  const pairs = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
  const topic = { name, numPartitions: -1, replicationFactor: -1, assignments, configs: pairs };
  const answer = await askAny(cluster, CreateTopics, 7, { timeoutMs: TIMEOUT_MS, topics: [topic] }, TIMEOUT_MS);
  check(answer.topics[0]?.errorCode, `CreateTopics ${name}`);
}

export async function deleteTopic(cluster: Cluster, name: string): Promise<void> {
  const answer = await askAny(cluster, DeleteTopics, 5, { topicNames: [name], timeoutMs: TIMEOUT_MS }, TIMEOUT_MS);
  check(answer.responses[0]?.errorCode, `DeleteTopics ${name}`);
}

/** As one node sees the topic's partitions, in order; the nodes' views differ for a moment. */
export async function partitionsSeenBy(port: number, name: string, limitMs?: number): Promise<PartitionState[]> {
  const body = { topics: [{ name, topicId: ZERO_UUID }], allowAutoTopicCreation: false };
  const { topics } = await ask(port, Metadata, 12, body, limitMs);
  check(topics[0]?.errorCode, `Metadata of ${name}`);
  return (topics[0]?.partitions ?? [])
    .map((partition) => ({
      index: partition.partitionIndex,
      leader: partition.leaderId,
      leaderEpoch: partition.leaderEpoch,
      replicas: partition.replicaNodes,
      isr: partition.isrNodes,
    }))
    .sort((a, b) => a.index - b.index);
}

/** Waits until every running node sees every partition with all replicas in sync and its first replica as the leader. */
export async function allInSync(cluster: Cluster, name: string, limitMs: number): Promise<void> {
  await until(`all replicas of ${name} are in sync and the first one leads`, limitMs, async () => {
    for (const node of cluster.nodes) {
      const partitions = await partitionsSeenBy(node.clientPort, name);
      const isWell = ({ leader, replicas, isr }: PartitionState) =>
        leader === replicas[0] && isr.length === replicas.length;
      if (partitions.length === 0 || !partitions.every(isWell)) return false;
    }
    return true;
  });
}

/** The node id of the metadata quorum's leader. */
export async function activeController(cluster: Cluster, limitMs?: number): Promise<number> {
  const topics = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }];
  const answer = await askAny(cluster, DescribeQuorum, 2, { topics }, limitMs);
  check(answer.errorCode, 'DescribeQuorum');
  return answer.topics[0]?.partitions[0]?.leaderId ?? -1;
}

export async function reassign(cluster: Cluster, name: string, replicas: readonly (readonly number[])[]) {
  const partitions = replicas.map((ids, partitionIndex) => ({ partitionIndex, replicas: [...ids] }));
  const body = { timeoutMs: TIMEOUT_MS, topics: [{ name, partitions }] };
  const answer = await askAny(cluster, AlterPartitionReassignments, 0, body, TIMEOUT_MS);
  check(answer.errorCode, 'AlterPartitionReassignments');
  for (const { errorCode } of answer.responses[0]?.partitions ?? []) check(errorCode, 'AlterPartitionReassignments');
}

/** Asks again and again; an answer that fails counts as no. */
export async function until(what: string, limitMs: number, holds: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  let failure: unknown;
  while (!(await holds().catch((error) => void (failure = error)))) {
    if (performance.now() > deadlineMs) throw new Error(`not in ${limitMs} ms: ${what}`, { cause: failure });
    await pause(ASK_AGAIN_MS);
  }
}

export function check(errorCode: number | undefined, what: string): void {
  if (errorCode !== ERROR.NONE) throw new Error(`${what}: ${errorName(errorCode ?? ERROR.UNKNOWN_SERVER_ERROR)}`);
}
