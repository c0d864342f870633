/** ListOffsets while a partition's leader moves: the end that a client is told never goes back. */
import { ERROR, errorName, ListOffsets, Metadata, Produce } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf, produceOf } from '../testing/batches.ts';
import { startTestCluster } from '../testing/test-cluster.ts';

const CONFIGS = { 'default.replication.factor': '3', 'min.insync.replicas': '2' };
const RECORDS = 20;

test.each([1, 2, 3, 4, 5])(
  'a new leader tells no end before it knows how far the old one had come, seed %i',
  async (seed) => {
    const cluster = await startTestCluster({ seed, config: { configs: CONFIGS, defaultPartitions: 1 } });
    const client = await cluster.connect(1);
    await client.request(Metadata, 12, { topics: [{ name: 'orders' }], allowAutoTopicCreation: true });
    const leaderBy = (id: number) => cluster.node(id).image.topicsByName.get('orders')!.partitions[0]!.leader;
    const old = leaderBy(1);
    const producer = await cluster.connect(old);
    for (let n = 0; n < RECORDS; n++) {
      const answer = await producer.request(Produce, 9, produceOf('orders', batchOf([`v${n}`])));
      expect(errorName(answer.responses[0]!.partitionResponses[0]!.errorCode)).toBe('NONE');
    }
    cluster.node(old).kill();
    const [witness] = cluster.running;
    await cluster.until(() => ![old, -1].includes(leaderBy(witness!.id)));
    const reader = await cluster.connect(leaderBy(witness!.id));
    const seen = new Set<string>();
    for (let asked = 0; asked < 200 && !seen.has(String(RECORDS)); asked++) {
      const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp: -1 }] }];
      const { topics: answered } = await reader.request(ListOffsets, 7, { replicaId: -1, topics });
      const { errorCode, offset } = answered[0]!.partitions[0]!;
      seen.add(errorCode === ERROR.NONE ? String(offset) : errorName(errorCode));
    }
    seen.delete('OFFSET_NOT_AVAILABLE');
    seen.delete('NOT_LEADER_OR_FOLLOWER');
    expect([...seen]).toEqual([String(RECORDS)]);
  },
);
