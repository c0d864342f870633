/** kafka-metadata-quorum, kafka-features, kafka-dump-log and kafka-metadata-shell against the quorum of three. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../peers/cluster-admin.ts';
import type { ExtraController } from '../../peers/extra-controller.ts';
import type { ThreeNodes } from './three-nodes.ts';

const LIMIT_MS = 60_000;
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

/** The log and the newest snapshot of a node, in a copy. */
export async function dumpsMetadata(nodes: ThreeNodes): Promise<void> {
  await nodes.topic('dumped', [[1, 2, 3]], { 'retention.ms': '1234567' });
  await onCopy(nodes, async (folder, snapshot) => {
    const dump = (file: string) =>
      nodes.bareTool(
        'org.apache.kafka.tools.DumpLogSegments',
        `--cluster-metadata-decoder --files ${join(folder, file)}`,
      );
    const log = await dump('00000000000000000000.log');
    assert.match(log, /LeaderChange: \{"version":\d,"leaderId":[123],"voters":\[/);
    assert.match(log, /KRaftVoters \{"version":0,"voters":\[\{"voterId":1,/);
    for (const type of ['REGISTER_BROKER_RECORD', 'REGISTER_CONTROLLER_RECORD', 'FEATURE_LEVEL_RECORD'])
      assert.match(log, new RegExp(`"type":"${type}"`));
    assert.match(log, /"type":"TOPIC_RECORD","version":\d,"data":\{"name":"dumped"/);
    assert.match(log, /"type":"PARTITION_RECORD".*"replicas":\[1,2,3\],"isr":\[1,2,3\]/);
    assert.match(log, /"type":"CONFIG_RECORD".*"name":"retention.ms","value":"1234567"/);
    const image = await dump(snapshot);
    assert.match(image, /SnapshotHeader \{"version":0,"lastContainedLogTimestamp":\d+\}/);
    assert.match(image, /KRaftVersion \{"version":0,"kRaftVersion":1\}/);
    assert.match(image, /KRaftVoters \{"version":0,"voters":/);
    assert.match(image, /"type":"REGISTER_BROKER_RECORD"/);
    assert.match(image, /SnapshotFooter/);
    for (const said of [log, image]) assert.doesNotMatch(said, COMPLAINTS);
  });
}

export async function metadataShell(nodes: ThreeNodes): Promise<void> {
  await onCopy(nodes, async (folder, snapshot) => {
    for (const file of ['00000000000000000000.log', snapshot]) {
      const shell = (command: string) =>
        nodes.bareTool('org.apache.kafka.shell.MetadataShell', `--snapshot ${join(folder, file)} ${command}`);
      assert.match(await shell('ls /image'), /cluster\s+(\S+\s+)*features\s+(\S+\s+)*topics/);
      // It may answer before it has read everything.
      await until('the shell lists the brokers', LIMIT_MS, async () => {
        const brokers = await shell('ls /image/cluster/brokers');
        return brokers.trim().split(/\s+/).join() === '1,2,3';
      });
    }
  });
}

/** A snapshot comes every few thousand bytes; what a running node does with its files meanwhile must not matter. */
async function onCopy(nodes: ThreeNodes, run: (folder: string, snapshot: string) => Promise<void>): Promise<void> {
  const source = join(nodes.node(1).folder, METADATA);
  const snapshots = () =>
    readdirSync(source).filter((name) => name.endsWith('.checkpoint') && !name.startsWith('0'.repeat(20)));
  await until('node 1 has a snapshot', LIMIT_MS, async () => snapshots().length > 0);
  const copy = mkdtempSync(join(tmpdir(), 'meridian-metadata-'));
  try {
    const newest = snapshots().sort().at(-1)!;
    cpSync(source, join(copy, METADATA), { recursive: true });
    await run(join(copy, METADATA), newest);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
