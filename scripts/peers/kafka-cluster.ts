/** Three nodes of Apache Kafka, each broker and controller, as `cluster.ts` has them; KIP-853 voters. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cluster, type ClusterOptions, clusterOf, NODE_IDS, portsOf, randomUuid } from './cluster.ts';
import { formatKafka, isKafkaReady, kafkaServerArgs } from './kafka.ts';
import { NodeProcess } from './node-process.ts';

const HOST = '127.0.0.1';

/** Formats the folders one after another: a JVM each. */
export async function kafkaCluster(options: ClusterOptions): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'kafka-cluster-'));
  const clusterId = randomUuid();
  const advertised = (port: number): string => `${HOST}:${options.advertise?.(port) ?? port}`;
  const voters = NODE_IDS.map((id) => `${id}@${advertised(portsOf(options.port, id).controller)}:${randomUuid()}`);
  const nodes: NodeProcess[] = [];
  for (const id of NODE_IDS) {
    const configFile = join(folder, `node-${id}.properties`);
    mkdirSync(join(folder, `node-${id}`));
    writeFileSync(configFile, propertiesOf(id, folder, options, advertised));
    await formatKafka(configFile, clusterId, ['--initial-controllers', voters.join(',')]);
    nodes.push(
      new NodeProcess({
        id,
        clientPort: portsOf(options.port, id).client,
        folder: join(folder, `node-${id}`),
        logFile: join(folder, `node-${id}.log`),
        command: 'java',
        args: kafkaServerArgs(configFile, options.heap),
        isReady: isKafkaReady,
      }),
    );
  }
  return clusterOf('Apache Kafka', folder, nodes);
}

function propertiesOf(
  id: number,
  folder: string,
  { port, configs }: ClusterOptions,
  advertised: (port: number) => string,
): string {
  const ports = portsOf(port, id);
  const controllers = NODE_IDS.map((node) => advertised(portsOf(port, node).controller));
  const all: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': id,
    'controller.quorum.bootstrap.servers': controllers.join(','),
    listeners: `CLIENT://${HOST}:${ports.client},INTERNAL://${HOST}:${ports.internal},CONTROLLER://${HOST}:${ports.controller}`,
    'advertised.listeners': `CLIENT://${HOST}:${ports.client},INTERNAL://${advertised(ports.internal)},CONTROLLER://${advertised(ports.controller)}`,
    'inter.broker.listener.name': 'INTERNAL',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT',
    'log.dirs': join(folder, `node-${id}`),
    'group.initial.rebalance.delay.ms': 0,
    ...configs,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
