/**
 * Topics of `bench -- cluster`: three replicas of each partition, two of which have to have a record before it is
 * acknowledged; partition n is led by the node that connection n of the load goes to. Deleted after the round.
 */
import { ERROR, errorName, Produce, ZERO_UUID } from '@meridian/protocol';
import type { Cluster } from '../../peers/cluster.ts';
import { pidsOf } from '../../peers/cluster.ts';
import { allInSync, ask, createTopic, deleteTopic, pause, until } from '../../peers/cluster-admin.ts';
import type { LoadTarget } from '../broker/closed-loop.ts';
import { type Payload, PRODUCE_VERSION } from '../broker/payloads.ts';
import { PARTITIONS } from '../broker/produce-load.ts';

const READY_LIMIT_MS = 60_000;
const TIMEOUT_MS = 10_000;
/** Files are removed half a second after the topic. */
const SETTLE_MS = 1_500;

/** Removal of deleted files must keep up with the rounds. */
export const BENCH_CONFIGS = { 'log.segment.delete.delay.ms': '500' };
export const TWO_IN_SYNC = { 'min.insync.replicas': '2' };

export const nameOfTopic = (): string => `bench-${Math.random().toString(36).slice(2, 10)}`;

export function targetOf(cluster: Cluster): LoadTarget {
  return { ports: cluster.nodes.map(({ clientPort }) => clientPort), pids: pidsOf(cluster) };
}

/** Replicas of each partition, the leader first: nodes 1, 2, 3 in turn. */
export const turnsOf = (nodeIds: readonly number[], partitions: number): number[][] =>
  Array.from({ length: partitions }, (_, partition) =>
    nodeIds.map((_id, place) => nodeIds[(partition + place) % nodeIds.length]!),
  );

export async function withReplicatedTopic<T>(
  cluster: Cluster,
  first: Payload,
  run: (topic: string) => Promise<T>,
): Promise<T> {
  const topic = nameOfTopic();
  const ids = cluster.nodes.map(({ id }) => id);
  await createTopic(cluster, topic, turnsOf(ids, PARTITIONS), TWO_IN_SYNC);
  try {
    await allInSync(cluster, topic, READY_LIMIT_MS);
    for (let index = 0; index < PARTITIONS; index++) {
      const { clientPort } = cluster.nodes[index % cluster.nodes.length]!;
      await until('the leader takes a batch', READY_LIMIT_MS, async () => {
        const errorCode = await produceOnce(clientPort, topic, index, first);
        if (errorCode !== ERROR.NONE) throw new Error(errorName(errorCode));
        return true;
      });
    }
    return await run(topic);
  } finally {
    await deleteTopic(cluster, topic);
    await pause(SETTLE_MS);
  }
}

/** One batch with acks=all; returns the partition's error code. */
export async function produceOnce(port: number, topic: string, index: number, payload: Payload, limitMs = TIMEOUT_MS) {
  const partitionData = [{ index, records: [payload.batch] }];
  const body = { acks: -1, timeoutMs: limitMs, topicData: [{ name: topic, topicId: ZERO_UUID, partitionData }] };
  const answer = await ask(port, Produce, PRODUCE_VERSION, body, limitMs);
  return answer.responses[0]?.partitionResponses[0]?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR;
}
