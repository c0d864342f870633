/** What Apache Kafka's tools tell of three brokers and their topics, with all of them there and with one away. */
import assert from 'node:assert/strict';
import type { ThreeNodes } from './three-nodes.ts';

/** Preferred leaders 1, 2 and 3. */
const IN_TURN = [
  [1, 2, 3],
  [2, 3, 1],
  [3, 1, 2],
];

export async function apiVersions(nodes: ThreeNodes): Promise<void> {
  const told = await nodes.tool('BrokerApiVersionsCommand', '');
  for (const { id, clientPort } of nodes.cluster.nodes) {
    assert.match(told, new RegExp(`127\\.0\\.0\\.1:${clientPort} \\(id: ${id} rack: null isFenced: false\\) -> \\(`));
  }
  for (const api of [
    'AlterPartitionReassignments\\(45\\): 0',
    'ElectLeaders\\(43\\): 0 to 2',
    'AddRaftVoter\\(80\\): 0',
  ]) {
    assert.equal(told.match(new RegExp(api, 'g'))?.length, nodes.cluster.nodes.length, api);
  }
  assert.doesNotMatch(told, /Vote\(52\)|AlterPartition\(56\)|BrokerHeartbeat\(63\)/);
}

export async function topics(nodes: ThreeNodes): Promise<void> {
  await nodes.topic('shown', IN_TURN, { 'min.insync.replicas': '3' });
  await nodes.topic('alone', [[3]]);
  const described = await nodes.tool('TopicCommand', '--describe --topic shown');
  assert.match(described, /PartitionCount: 3\s+ReplicationFactor: 3/);
  assert.match(described, /Partition: 1\s+Leader: 2\s+Replicas: 2,3,1\s+Isr: 2,3,1\s+Elr: \s+LastKnownElr: /);
  const placed = await nodes.tool('TopicCommand', '--create --topic placed --partitions 6 --replication-factor 3');
  assert.match(placed, /Created topic placed/);
  const leaders = (await nodes.tool('TopicCommand', '--describe --topic placed')).matchAll(/Leader: (\d)/g);
  assert.deepEqual([...leaders].map(([, id]) => id).sort(), ['1', '1', '2', '2', '3', '3']);
  for (const which of ['under-replicated', 'under-min-isr', 'unavailable']) assert.equal(await lines(nodes, which), '');
  await nodes.node(3).stop();
  await nodes.partition('shown', 1, [1, 2]);
  assert.match(
    await lines(nodes, 'under-replicated'),
    /Topic: shown\s+Partition: 0\s+Leader: 1\s+Replicas: 1,2,3\s+Isr: 1,2/,
  );
  assert.match(await lines(nodes, 'under-min-isr'), /Topic: shown\s+Partition: 2/);
  assert.doesNotMatch(await lines(nodes, 'under-min-isr'), /placed/);
  assert.match(await lines(nodes, 'unavailable'), /^\s*Topic: alone\s+Partition: 0\s+Leader: none\s+Replicas: 3/);
  await nodes.node(3).start();
  await nodes.whole('shown');
  for (const which of ['under-replicated', 'under-min-isr', 'unavailable']) assert.equal(await lines(nodes, which), '');
}

async function lines(nodes: ThreeNodes, which: string): Promise<string> {
  const said = await nodes.tool('TopicCommand', `--describe --${which}-partitions`);
  // A topic of the cluster's own may be made at any time.
  return said
    .split('\n')
    .filter((line) => !line.includes('Topic: __'))
    .join('\n')
    .trim();
}

export async function logDirs(nodes: ThreeNodes): Promise<void> {
  await nodes.topic('sizes', [[1, 2, 3]]);
  await nodes.fill('sizes', 1_000);
  const said = await nodes.tool('LogDirsCommand', '--describe --topic-list sizes');
  assert.match(said, /Received log directory information from brokers 1,2,3/);
  const { brokers } = JSON.parse(said.split('\n').find((line) => line.startsWith('{')) ?? '') as LogDirs;
  const found = brokers.flatMap(({ logDirs }) => logDirs.flatMap(({ partitions }) => partitions));
  assert.equal(found.length, 3);
  for (const { partition, size, isFuture } of found) {
    assert.equal(partition, 'sizes-0');
    assert.equal(size, found[0]!.size);
    assert.ok(size > 100_000 && !isFuture, `${size} bytes`);
  }
  assert.equal(new Set(brokers.flatMap(({ logDirs }) => logDirs.map(({ logDir }) => logDir))).size, 3);
}

interface LogDirs {
  brokers: {
    broker: number;
    logDirs: { logDir: string; partitions: { partition: string; size: number; isFuture: boolean }[] }[];
  }[];
}

export async function replicaVerification(nodes: ThreeNodes): Promise<void> {
  await nodes.topic('verified', [[2, 3, 1]]);
  await nodes.fill('verified', 5_000);
  const args = `--broker-list ${nodes.bootstrap} --topics-include verified --time -2 --report-interval-ms 500`;
  // It reads on and on; at the end of the log it has compared all of it.
  const isThrough = /max lag is 0 for partition verified-0 at offset 5000 among 1 partitions/;
  const said = await nodes.bareTool('org.apache.kafka.tools.ReplicaVerificationTool', args, isThrough);
  assert.doesNotMatch(said, /differ|mismatch|doesn't match/i);
}

export async function clusterTool(nodes: ThreeNodes): Promise<void> {
  const tool = (args: string) =>
    nodes.bareTool('org.apache.kafka.tools.ClusterTool', `${args} --bootstrap-server ${nodes.bootstrap}`);
  assert.match(await tool('cluster-id'), /Cluster ID: \S{22}/);
  const row = (id: number, state: string) =>
    new RegExp(`^${id}\\s+127\\.0\\.0\\.1\\s+\\d+\\s+null\\s+${state}\\s+broker`, 'm');
  const listed = await tool('list-endpoints');
  for (const id of [1, 2, 3]) assert.match(listed, row(id, 'unfenced'));
  await nodes.topic('goes-on', IN_TURN);
  await nodes.node(3).stop();
  await nodes.partition('goes-on', 1, [1, 2]);
  assert.match(await tool('list-endpoints --include-fenced-brokers'), row(3, 'fenced'));
  assert.match(await tool('unregister --id 3'), /Broker 3 is no longer registered/);
  assert.doesNotMatch(await tool('list-endpoints --include-fenced-brokers'), row(3, '\\S+'));
  await nodes.node(3).start();
  await nodes.whole('goes-on');
  assert.match(await tool('list-endpoints'), row(3, 'unfenced'));
}
