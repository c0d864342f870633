/**
 * Apache Kafka's own command-line tools against a cluster of three of our brokers: what they tell of it, and what they
 * change in it. One cluster for all checks, each of which leaves it whole.
 */
import { extraController } from '../peers/extra-controller.ts';
import { installKafka } from '../peers/kafka.ts';
import { meridianCluster } from '../peers/meridian-cluster.ts';
import { apiVersions, clusterTool, logDirs, replicaVerification, topics } from './cluster/brokers-and-topics.ts';
import { addsAndRemovesVoter, describesQuorum, features, readsLog, readsSnapshot } from './cluster/quorum-tools.ts';
import { preferredElection, reassignPartitions, replicationFactor, uncleanElection } from './cluster/reassignments.ts';
import { ThreeNodes } from './cluster/three-nodes.ts';
import type { CompatClient } from './compat-client.ts';

const PORT = 31_500;
/** Snapshots of the metadata come within the checks; leaders return when they are told to, not by themselves. */
export const TOOL_CONFIGS = {
  'metadata.log.max.record.bytes.between.snapshots': '8000',
  'auto.leader.rebalance.enable': 'false',
  'offsets.topic.num.partitions': '3',
};

export const CLUSTER_CHECKS: readonly [name: string, run: (nodes: ThreeNodes) => Promise<void>][] = [
  ['kafka-dump-log and kafka-metadata-shell read the metadata log', readsLog],
  ['kafka-broker-api-versions shows three brokers, and no API that only they may use', apiVersions],
  ['kafka-topics shows leaders, replicas and what is amiss while a broker is away', topics],
  ['kafka-log-dirs shows the same size on every broker', logDirs],
  ['kafka-replica-verification finds the replicas the same', replicaVerification],
  ['kafka-reassign-partitions moves, throttled, tells how far it is, and is cancelled', reassignPartitions],
  ['kafka-reassign-partitions changes the replication factor', replicationFactor],
  ['kafka-leader-election elects the preferred leader', preferredElection],
  ['kafka-leader-election elects a replica that is not in sync', uncleanElection],
  ['kafka-metadata-quorum describes voters and how far they are', describesQuorum],
  [
    'kafka-metadata-quorum adds a controller and removes it',
    async (nodes) => addsAndRemovesVoter(nodes, await extraController(nodes.cluster, PORT)),
  ],
  ['kafka-features describes the levels', features],
  ['kafka-dump-log and kafka-metadata-shell read a snapshot of the metadata', readsSnapshot],
  ['kafka-cluster lists the brokers, and unregisters one', clusterTool],
];

let started: ThreeNodes | undefined;

async function threeNodes(): Promise<ThreeNodes> {
  if (started !== undefined) return started;
  const cluster = meridianCluster({ port: PORT, configs: TOOL_CONFIGS });
  await cluster.start();
  started = new ThreeNodes(cluster);
  return started;
}

export const clusterToolsClient: CompatClient = {
  name: 'cluster-tools',
  standsAlone: true,
  install: () => void installKafka(),
  checks: CLUSTER_CHECKS.map(([name, run]) => ({ name, run: async () => run(await threeNodes()) })),
  end: async () => started?.cluster.remove(),
};
