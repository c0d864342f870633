/** kafka-metadata-quorum, kafka-features, kafka-dump-log and kafka-metadata-shell against the quorum of three. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTopic, deleteTopic, until } from '../../peers/cluster-admin.ts';
import type { ExtraController } from '../../peers/extra-controller.ts';
import type { ThreeNodes } from './three-nodes.ts';

const LIMIT_MS = 60_000;
/** Each is some thousand bytes of metadata. */
const MAX_TURNS = 30;
const METADATA = '__cluster_metadata-0';
const COMPLAINTS = /isvalid: false|Could not|Exception|corrupt|mismatch/i;

export async function describesQuorum(nodes: ThreeNodes): Promise<void> {
  const status = await nodes.tool('MetadataQuorumCommand', 'describe --status');
  assert.match(status, /^ClusterId: +\S{22}$/m);
  assert.match(status, /^LeaderId: +[123]$/m);
  assert.match(status, /^HighWatermark: +\d+$/m);
  const voters = JSON.parse(/^CurrentVoters: +(.*)$/m.exec(status)?.[1] ?? '[]') as {
    id: number;
    endpoints: string[];
  }[];
  assert.deepEqual(voters.map(({ id }) => id).sort(), [1, 2, 3]);
  for (const { endpoints } of voters) assert.equal(endpoints.length, 1);
  assert.match(status, /^CurrentObservers: +\[\]$/m);
  await until('nobody lags', LIMIT_MS, async () => {
    const rows = await replication(nodes);
    assert.deepEqual(rows.map(({ id }) => id).sort(), ['1', '2', '3']);
    assert.deepEqual(rows.map((row) => row.status).sort(), ['Follower', 'Follower', 'Leader']);
    assert.equal(new Set(rows.map(({ directoryId }) => directoryId)).size, 3);
    return rows.every(({ lag }) => lag === 0);
  });
}

interface Row {
  id: string;
  directoryId: string;
  lag: number;
  status: string;
}

async function replication(nodes: ThreeNodes): Promise<Row[]> {
  const said = await nodes.tool('MetadataQuorumCommand', 'describe --replication');
  const rows = said.trim().split('\n').slice(1);
  return rows.map((row) => {
    const [id = '', directoryId = '', , lag = '', , , status = ''] = row.trim().split(/\s+/);
    return { id, directoryId, lag: Number(lag), status };
  });
}

/** A fourth controller comes as an observer, becomes a voter, and is one no more. */
export async function addsAndRemovesVoter(nodes: ThreeNodes, extra: ExtraController): Promise<void> {
  const { node, directoryId, propertiesFile } = extra;
  const statusOf = async () => (await replication(nodes)).find(({ id }) => id === String(node.id))?.status;
  await node.start();
  try {
    await until('the new controller observes', LIMIT_MS, async () => (await statusOf()) === 'Observer');
    const add = `--command-config ${propertiesFile} --bootstrap-server ${nodes.bootstrap} add-controller`;
    const added = await nodes.bareTool('org.apache.kafka.tools.MetadataQuorumCommand', add);
    assert.match(added, new RegExp(`Added controller ${node.id} with directory id ${directoryId}`));
    await until('it is a voter', LIMIT_MS, async () => (await statusOf()) === 'Follower');
    const remove = `remove-controller --controller-id ${node.id} --controller-directory-id`;
    await assert.rejects(
      nodes.tool('MetadataQuorumCommand', `${remove} AAAAAAAAAAAAAAAAAAAAAQ`),
      /Cannot remove voter|VoterNotFound/,
    );
    const removed = await nodes.tool('MetadataQuorumCommand', `${remove} ${directoryId}`);
    assert.match(removed, new RegExp(`Removed +KRaft controller ${node.id} with directory id ${directoryId}`));
    await until('it is no voter', LIMIT_MS, async () => (await statusOf()) !== 'Follower');
  } finally {
    await node.stop();
  }
}

export async function features(nodes: ThreeNodes): Promise<void> {
  const said = await nodes.tool('FeatureCommand', 'describe');
  const level = (name: string) =>
    new RegExp(`^Feature: ${name}\\s.*FinalizedVersionLevel: (\\S+)`, 'm').exec(said)?.[1];
  assert.match(level('metadata.version') ?? '', /^4\.\d-IV\d+$/);
  assert.equal(level('kraft.version'), '1');
  assert.equal(level('eligible.leader.replicas.version'), '1');
}

/** As it begins: no snapshot stands for its first records yet. */
export async function readsLog(nodes: ThreeNodes): Promise<void> {
  await nodes.topic('dumped', [[1, 2, 3]], { 'retention.ms': '1234567' });
  await onCopy(nodes, async (folder) => {
    const file = join(folder, '00000000000000000000.log');
    const log = await dump(nodes, file);
    assert.match(log, /LeaderChange: \{"version":\d,"leaderId":[123],"voters":\[/);
    assert.match(log, /KRaftVoters \{"version":0,"voters":\[\{"voterId":1,/);
    for (const type of ['REGISTER_BROKER_RECORD', 'REGISTER_CONTROLLER_RECORD', 'FEATURE_LEVEL_RECORD'])
      assert.match(log, new RegExp(`"type":"${type}"`));
    assert.match(log, /"type":"TOPIC_RECORD","version":\d,"data":\{"name":"dumped"/);
    assert.match(log, /"type":"PARTITION_RECORD".*"replicas":\[1,2,3\],"isr":\[1,2,3\]/);
    assert.match(log, /"type":"CONFIG_RECORD".*"name":"retention.ms","value":"1234567"/);
    await shellLists(nodes, file, 'dumped');
  });
}

export async function readsSnapshot(nodes: ThreeNodes): Promise<void> {
  await nodes.topic('in-snapshot', [[1, 2, 3]]);
  const isNewer = (name: string): boolean => name.endsWith('.checkpoint') && !name.startsWith('0'.repeat(20));
  const newest = () => readdirSync(metadataOf(nodes)).filter(isNewer).sort().at(-1);
  const before = newest();
  // What makes it due: topics come and go.
  for (let turn = 0; newest() === before && turn < MAX_TURNS; turn++) {
    const name = `turn-${turn}`;
    await createTopic(nodes.cluster, name, new Array<number[]>(50).fill([1]));
    await deleteTopic(nodes.cluster, name);
  }
  await onCopy(nodes, async (folder) => {
    const file = join(folder, readdirSync(folder).filter(isNewer).sort().at(-1) ?? 'no snapshot');
    const image = await dump(nodes, file);
    assert.match(image, /SnapshotHeader \{"version":0,"lastContainedLogTimestamp":\d+\}/);
    assert.match(image, /KRaftVersion \{"version":0,"kRaftVersion":1\}/);
    assert.match(image, /KRaftVoters \{"version":0,"voters":/);
    assert.match(image, /"type":"REGISTER_BROKER_RECORD"/);
    assert.match(image, /SnapshotFooter/);
    await shellLists(nodes, file, 'in-snapshot');
  });
}

async function dump(nodes: ThreeNodes, file: string): Promise<string> {
  const said = await nodes.bareTool(
    'org.apache.kafka.tools.DumpLogSegments',
    `--cluster-metadata-decoder --files ${file}`,
  );
  assert.doesNotMatch(said, COMPLAINTS);
  return said;
}

/** kafka-metadata-shell may answer before it has read everything. */
async function shellLists(nodes: ThreeNodes, file: string, topic: string): Promise<void> {
  const shell = (command: string) =>
    nodes.bareTool('org.apache.kafka.shell.MetadataShell', `--snapshot ${file} ${command}`);
  const words = async (command: string) => (await shell(command)).trim().split(/\s+/);
  await until('the shell lists the brokers', LIMIT_MS, async () => {
    return (await words('ls /image/cluster/brokers')).join() === '1,2,3';
  });
  assert.ok((await words('ls /image/topics/byName')).includes(topic));
  assert.match(await shell('ls /image'), /cluster\s+(\S+\s+)*features\s+(\S+\s+)*topics/);
}

const metadataOf = (nodes: ThreeNodes): string => join(nodes.node(1).folder, METADATA);

/** What a running node does with its files meanwhile must not matter; and the shell wants to lock them. */
async function onCopy(nodes: ThreeNodes, run: (folder: string) => Promise<void>): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), 'meridian-metadata-'));
  try {
    cpSync(metadataOf(nodes), join(copy, METADATA), { recursive: true });
    await run(join(copy, METADATA));
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
