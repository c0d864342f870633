/** A replica whose log cannot be made, in a cluster where others can lead. */
import { CreateTopics, ERROR } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { startTestCluster } from '../../testing/test-cluster.ts';

test('a replica that a full disk does not take is led by others, as its whole log dir is told as offline', async () => {
  const cluster = await startTestCluster({ seed: 5, config: { logDirs: ['/b'] } });
  cluster.node(1).machine.setFolderFull('/b', true);
  const client = await cluster.connect(2);
  const topics = [{ name: 'orders', numPartitions: 6, replicationFactor: 3, assignments: [], configs: [] }];
  const answer = await client.request(CreateTopics, 7, { topics, timeoutMs: 10_000 });
  expect(answer.topics[0]!.errorCode).toBe(ERROR.NONE);
  const led = (): number[] =>
    cluster.running.flatMap(({ broker }) =>
      [...broker!.inspect().partitions()].flatMap(({ topic, index, isLeader }) =>
        topic === 'orders' && isLeader ? [index] : [],
      ),
    );
  await cluster.until(() => led().sort().join() === '0,1,2,3,4,5', 10_000);
  expect(cluster.node(2).image.brokers.get(1)!.directories.length).toBe(1);
});
