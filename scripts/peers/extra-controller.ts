/**
 * A fourth node that only controls and is not among the first voters, to be made one by Apache Kafka's own tool; of ours or
 * of Kafka's, whichever the cluster is.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cluster, portsOf, randomUuid } from './cluster.ts';
import { formatKafka, isKafkaReady, kafkaServerArgs } from './kafka.ts';
import { meridianNode } from './meridian-cluster.ts';
import { NodeProcess } from './node-process.ts';

const ID = 4;
const HOST = '127.0.0.1';

export interface ExtraController {
  readonly node: NodeProcess;
  readonly directoryId: string;
  /** What `kafka-metadata-quorum add-controller` reads: id, folder and address. */
  readonly propertiesFile: string;
}

/** `firstPort`: the cluster's. */
export async function extraController(cluster: Cluster, firstPort: number): Promise<ExtraController> {
  const { internal } = portsOf(firstPort, ID);
  return cluster.name === 'Meridian' ? ofMeridian(cluster, internal) : ofKafka(cluster, internal);
}

function ofMeridian({ folder }: Cluster, port: number): ExtraController {
  const { client: _, ...first } = JSON.parse(readFileSync(join(folder, 'node-1.json'), 'utf8'));
  const directoryId = randomUuid();
  const dataFolder = join(folder, `node-${ID}`);
  mkdirSync(dataFolder);
  const internal = { ...first.internal, port, advertisedPort: port };
  const node = meridianNode(folder, port, {
    ...first,
    nodeId: ID,
    roles: ['controller'],
    directoryId,
    dataFolder,
    internal,
  });
  const propertiesFile = writeProperties(folder, dataFolder, `INTERNAL://${HOST}:${port}`, 'INTERNAL');
  return { node, directoryId, propertiesFile };
}

async function ofKafka({ folder }: Cluster, port: number): Promise<ExtraController> {
  const dataFolder = join(folder, `node-${ID}`);
  mkdirSync(dataFolder);
  const first = readFileSync(join(folder, 'node-1.properties'), 'utf8');
  const shared = /^controller\.quorum\.bootstrap\.servers=.*$/m.exec(first)?.[0] ?? '';
  const propertiesFile = writeProperties(folder, dataFolder, `CONTROLLER://${HOST}:${port}`, 'CONTROLLER', shared);
  const clusterId = metaOf(join(folder, 'node-1'), 'cluster.id');
  await formatKafka(propertiesFile, clusterId, ['--no-initial-controllers']);
  const node = new NodeProcess({
    id: ID,
    clientPort: port,
    folder: dataFolder,
    logFile: join(folder, `node-${ID}.log`),
    command: 'java',
    args: kafkaServerArgs(propertiesFile),
    isReady: isKafkaReady,
  });
  return { node, directoryId: metaOf(dataFolder, 'directory.id'), propertiesFile };
}

function writeProperties(folder: string, dataFolder: string, listener: string, name: string, more = ''): string {
  const file = join(folder, `node-${ID}.properties`);
  const lines = [
    'process.roles=controller',
    `node.id=${ID}`,
    `log.dirs=${dataFolder}`,
    `listeners=${listener}`,
    `controller.listener.names=${name}`,
    more,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

const metaOf = (folder: string, key: string): string =>
  new RegExp(`^${key.replaceAll('.', '\\.')}=(.*)$`, 'm').exec(
    readFileSync(join(folder, 'meta.properties'), 'utf8'),
  )?.[1] ?? '';
