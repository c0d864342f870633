/**
 * One of the two regions of `chaos -- mirror`: a broker of either engine, or three nodes of Apache Kafka with three replicas
 * of everything, whose victim is whoever leads the copy at that moment; or nobody is, and another node leads from then on.
 */
import { partitionsSeenBy, reassign, until } from '../../peers/cluster-admin.ts';
import { kafkaCluster } from '../../peers/kafka-cluster.ts';
import { type Engine, type MirrorRegion, openRegion } from '../../peers/mirror-region.ts';
import type { NodeProcess } from '../../peers/node-process.ts';

const HOST = '127.0.0.1';
const ONE_HEAP = '512M';
const HEAP_OF_THREE = '384M';
/** An acknowledged record must outlive the death of its broker's process, not that of the machine. */
const CONFIGS = { 'log.segment.delete.delay.ms': '500' };
/** Whoever is the first replica leads soon. */
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

const MOVED_LIMIT_MS = 60_000;

export type Bootstrap = readonly { readonly host: string; readonly port: number }[];
export type Victim = Pick<NodeProcess, 'start' | 'kill'>;

export interface Side extends Pick<MirrorRegion, 'engine' | 'name' | 'port' | 'mirrorPort' | 'otherPorts'> {
  readonly bootstrap: Bootstrap;
  /** The leader of the topic's first partition, or the only broker. */
  readonly leader: Victim;
  /** Moves all leaders of the topic to the next replica; milliseconds until they lead. Three nodes only. */
  readonly moveLeaders?: () => Promise<number>;
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
  const moveLeaders = async (): Promise<number> => {
    const began = performance.now();
    const rotated = (await partitionsSeenBy(first!, topic)).map(({ replicas: [head, ...tail] }) => [...tail, head!]);
    await reassign(cluster, topic, rotated);
    await until('other replicas lead', MOVED_LIMIT_MS, async () =>
      (await partitionsSeenBy(first!, topic)).every(({ leader: id }, index) => id === rotated[index]![0]),
    );
    return performance.now() - began;
  };
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
    moveLeaders,
    start: () => cluster.start(),
    remove: () => cluster.remove(),
  };
}
