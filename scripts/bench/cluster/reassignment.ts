/** How long it takes until 1 GB of a topic has moved to another node, with nothing else to do. A row of `bench -- cluster`. */
import type { Cluster } from '../../peers/cluster.ts';
import { createTopic, deleteTopic, partitionsSeenBy, pause, reassign, until } from '../../peers/cluster-admin.ts';
import { type Payload, payloadOf, produceErrorAt, produceFrame } from '../broker/payloads.ts';
import { RawConnection } from '../broker/raw-connection.ts';
import type { ClusterRow } from './load-rows.ts';
import { nameOfTopic } from './replicated-topic.ts';

const PARTITIONS = 6;
const ALL_BYTES = 1_000_000_000;
const LIMIT_MS = 300_000;
const IN_FLIGHT = 5;
const SETTLE_MS = 3_000;
const BATCHES = payloadOf(1_024, 262_144);

export const REASSIGNMENT_ROW: ClusterRow = {
  id: 'reassign',
  work: 'reassigning 1 GB: 6 partitions from nodes 1 and 2 to 2 and 3',
  measures: [{ name: 'until it is done', unit: 's' }],
  run: async (cluster) => ({ values: [await reassignmentSeconds(cluster)] }),
};

async function reassignmentSeconds(cluster: Cluster): Promise<number> {
  const topic = nameOfTopic();
  const all = (replicas: number[]) => new Array<number[]>(PARTITIONS).fill(replicas);
  await createTopic(cluster, topic, all([1, 2]));
  const [first] = cluster.nodes;
  await until('node 1 leads', LIMIT_MS, async () => {
    const partitions = await partitionsSeenBy(first!.clientPort, topic);
    return partitions.length === PARTITIONS && partitions.every(({ leader, isr }) => leader === 1 && isr.length === 2);
  });
  await pause(SETTLE_MS);
  await fill(first!.clientPort, topic, BATCHES);
  await pause(SETTLE_MS);
  const began = performance.now();
  await reassign(cluster, topic, all([2, 3]));
  await until('the reassignment is done', LIMIT_MS, async () => {
    const partitions = await partitionsSeenBy(first!.clientPort, topic);
    return partitions.every(({ replicas, isr }) => replicas.join() === '2,3' && isr.includes(3));
  });
  const tookMs = performance.now() - began;
  await deleteTopic(cluster, topic);
  await pause(SETTLE_MS);
  return tookMs / 1_000;
}

/** One connection, one partition after the other in turn, acks=all. */
async function fill(port: number, topic: string, payload: Payload): Promise<void> {
  const frames = Array.from({ length: PARTITIONS }, (_, index) => produceFrame(topic, index, payload, -1));
  const wanted = Math.ceil(ALL_BYTES / payload.batch.length);
  const connection = await RawConnection.open(port);
  const errorAt = produceErrorAt(topic);
  let sent = 0;
  let answered = 0;
  await new Promise<void>((done, fail) => {
    const next = (): void => {
      if (sent < wanted) connection.send(frames[sent++ % PARTITIONS]!);
    };
    connection.onBroken = fail;
    connection.onAnswer = (_bytes, head) => {
      if (head.readInt16BE(errorAt) !== 0) return fail(new Error(`Produce: error ${head.readInt16BE(errorAt)}`));
      if (++answered === wanted) done();
      else next();
    };
    for (let count = 0; count < IN_FLIGHT; count++) next();
  });
  connection.close();
}
