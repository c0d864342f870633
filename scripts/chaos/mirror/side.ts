/**
 * One of the two regions of `chaos -- mirror`: a broker of either engine, or three nodes of Apache Kafka with three replicas
 * of everything, whose victim is whoever leads the copy at that moment.
 */
import { partitionsSeenBy } from '../../peers/cluster-admin.ts';
import { kafkaCluster } from '../../peers/kafka-cluster.ts';
import { type Engine, type MirrorRegion, openRegion } from '../../peers/mirror-region.ts';
import type { NodeProcess } from '../../peers/node-process.ts';

const HOST = '127.0.0.1';
const ONE_HEAP = '512M';
const HEAP_OF_THREE = '384M';
/** An acknowledged record must outlive the death of its broker's process, not that of the machine. */
const CONFIGS = { 'log.segment.delete.delay.ms': '500' };
/** A leader that is back leads again soon: leaders move without a death, too. */
const CONFIGS_OF_THREE = {
  ...CONFIGS,
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'offsets.topic.num.partitions': '3',
  'transaction.state.log.num.partitions': '3',
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '500',
  'leader.imbalance.check.interval.seconds': '5',
};

export type Bootstrap = readonly { readonly host: string; readonly port: number }[];
export type Victim = Pick<NodeProcess, 'start' | 'kill'>;

export interface Side extends Pick<MirrorRegion, 'engine' | 'name' | 'port' | 'mirrorPort' | 'otherPorts'> {
  readonly bootstrap: Bootstrap;
  /** The leader of the topic's first partition, or the only broker. */
  readonly leader: Victim;
  start(): Promise<unknown>;
  remove(): Promise<void>;
}

export interface SideOptions {
  readonly engine: Engine;
  readonly name: string;
  readonly id: number;
  readonly port: number;
}

export async function oneBroker(options: SideOptions): Promise<Side> {
  const region = await openRegion({ ...options, configs: CONFIGS, heap: ONE_HEAP });
  const { node, remove } = region;
  return {
    ...region,
    bootstrap: [{ host: HOST, port: region.port }],
    leader: node,
    start: () => node.start(),
    remove,
  };
}

/** `topic`: whose leader is the victim. */
export async function threeKafkas({ name, port }: SideOptions, topic: string): Promise<Side> {
  const cluster = await kafkaCluster({ port, configs: CONFIGS_OF_THREE, heap: HEAP_OF_THREE });
  const [first, ...others] = cluster.nodes.map(({ clientPort }) => clientPort);
  let victim: NodeProcess | undefined;
  const leader = async (): Promise<NodeProcess> => {
    const [partition] = await partitionsSeenBy(first!, topic);
    return cluster.nodes.find(({ id }) => id === partition?.leader) ?? cluster.nodes[0]!;
  };
  return {
    ...{ engine: 'kafka', name, port: first!, mirrorPort: first!, otherPorts: others },
    bootstrap: cluster.nodes.map(({ clientPort }) => ({ host: HOST, port: clientPort })),
    leader: {
      kill: async () => {
        victim = await leader();
        await victim.kill();
      },
      start: () => victim!.start(),
    },
    start: () => cluster.start(),
    remove: () => cluster.remove(),
  };
}
