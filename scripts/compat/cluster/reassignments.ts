/** kafka-reassign-partitions and kafka-leader-election against three brokers. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../peers/cluster-admin.ts';
import type { ThreeNodes } from './three-nodes.ts';

const LIMIT_MS = 60_000;
const RECORDS = 50_000;
/** The copy would take minutes. */
const SLOW_BYTES_PER_SECOND = 20_000;

export async function reassignPartitions(nodes: ThreeNodes): Promise<void> {
  await nodes.topic('moved', [[1, 2]]);
  await nodes.fill('moved', RECORDS);
  const file = jsonFile(nodes, 'moved', [2, 3]);
  const tool = (args: string) => nodes.tool('reassign.ReassignPartitionsCommand', args);

  const begun = await tool(`--reassignment-json-file ${file} --execute --throttle ${SLOW_BYTES_PER_SECOND}`);
  assert.match(begun, /Successfully started partition reassignment for moved-0/);
  assert.match(begun, /"replicas":\[1,2\]/);
  assert.match(await tool('--list'), /moved-0: replicas: \S+ adding: 3\. removing: 1\./);
  const during = await tool(`--reassignment-json-file ${file} --verify`);
  assert.match(during, /Reassignment of partition moved-0 is still in progress/);
  assert.match(
    await configs(nodes, 'brokers', '3'),
    new RegExp(`follower.replication.throttled.rate=${SLOW_BYTES_PER_SECOND}`),
  );

  assert.match(
    await tool(`--reassignment-json-file ${file} --cancel`),
    /Successfully cancelled partition reassignment for: moved-0/,
  );
  assert.match(await tool('--list'), /No partition reassignments found/);
  await nodes.partition('moved', 1, [1, 2]);
  assert.doesNotMatch(await configs(nodes, 'brokers', '3'), /throttled.rate/);

  await tool(`--reassignment-json-file ${file} --execute --throttle 100000000`);
  let said = '';
  await until('the reassignment is complete', LIMIT_MS, async () => {
    said = await tool(`--reassignment-json-file ${file} --verify`);
    return said.includes('Reassignment of partition moved-0 is completed.');
  });
  assert.match(said, /Clearing broker-level throttles on brokers/);
  assert.match(said, /Clearing topic-level throttles on topic moved/);
  await nodes.partition('moved', 2, [2, 3]);
  assert.doesNotMatch(await configs(nodes, 'topics', 'moved'), /throttled.replicas/);
  const ends = await nodes.tool('GetOffsetShell', '--topic moved --time latest');
  assert.equal(ends.trim(), `moved:0:${RECORDS}`);
}

/** To three replicas and back to one. */
export async function replicationFactor(nodes: ThreeNodes): Promise<void> {
  await nodes.topic('factor', [[1, 2]]);
  await nodes.fill('factor', 1_000);
  for (const replicas of [[1, 2, 3], [3]]) {
    const file = jsonFile(nodes, 'factor', replicas);
    await nodes.tool('reassign.ReassignPartitionsCommand', `--reassignment-json-file ${file} --execute`);
    await nodes.partition('factor', replicas[0]!, replicas);
  }
  assert.match(
    await nodes.tool('TopicCommand', '--describe --topic factor'),
    /ReplicationFactor: 1\s.*\n.*Replicas: 3\s+Isr: 3/,
  );
}

export async function preferredElection(nodes: ThreeNodes): Promise<void> {
  await nodes.topic('preferred', [[3, 1, 2]]);
  await nodes.node(3).stop();
  await nodes.partition('preferred', 1, [1, 2]);
  await nodes.node(3).start();
  await nodes.partition('preferred', 1, [1, 2, 3]);
  const elect = '--election-type preferred --all-topic-partitions';
  assert.match(
    await nodes.tool('LeaderElectionCommand', elect),
    /Successfully completed leader election \(PREFERRED\) for partitions .*preferred-0/,
  );
  await nodes.partition('preferred', 3, [1, 2, 3]);
  const again = await nodes.tool('LeaderElectionCommand', '--election-type preferred --topic preferred --partition 0');
  assert.match(again, /Valid replica already elected for partitions preferred-0/);
}

/** The only one in sync is away for good: what it alone had is given up, and only when asked for. */
export async function uncleanElection(nodes: ThreeNodes): Promise<void> {
  await nodes.topic('unclean', [[1, 2]], { 'min.insync.replicas': '1' });
  await nodes.fill('unclean', 100);
  await nodes.node(2).stop();
  await nodes.partition('unclean', 1, [1]);
  await nodes.fill('unclean', 50);
  await nodes.node(1).kill();
  await nodes.node(2).start();
  const elect = '--election-type unclean --topic unclean --partition 0';
  const shown = await nodes.tool('TopicCommand', '--describe --topic unclean');
  assert.match(shown, /Partition: 0\s+Leader: (none|1)/);
  await until('node 2 is elected', LIMIT_MS, async () => {
    const said = await nodes.tool('LeaderElectionCommand', elect);
    return /Successfully completed leader election \(UNCLEAN\) for partitions unclean-0/.test(said);
  });
  await nodes.node(1).start();
  await nodes.partition('unclean', 2, [1, 2]);
  const ends = await nodes.tool('GetOffsetShell', '--topic unclean --time latest');
  assert.equal(ends.trim(), 'unclean:0:100');
}

function jsonFile(nodes: ThreeNodes, topic: string, replicas: number[]): string {
  const file = join(nodes.cluster.folder, `${topic}-${replicas.join('-')}.json`);
  writeFileSync(file, JSON.stringify({ version: 1, partitions: [{ topic, partition: 0, replicas }] }));
  return file;
}

const configs = (nodes: ThreeNodes, type: string, name: string): Promise<string> =>
  nodes.bareTool(
    'kafka.admin.ConfigCommand',
    `--bootstrap-server ${nodes.bootstrap} --describe --entity-type ${type} --entity-name ${name}`,
  );
