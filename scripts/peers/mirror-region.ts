/**
 * A region of one broker, ours or Apache Kafka's, as something that a mirror copies from and to: a real process that is
 * killed and started again on its folder. Used by `bench -- mirror`, `chaos -- mirror` and `compat -- mirror`.
 * Invariant: its ports and its folder stay the same whatever happens to its process.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUuid } from './cluster.ts';
import { formatKafka, isKafkaReady, kafkaServerArgs, propertiesOf } from './kafka.ts';
import { meridianNode } from './meridian-cluster.ts';
import { NodeProcess } from './node-process.ts';

export type Engine = 'embedded' | 'kafka';

export const REGION_SECRET = 'nobody comes here today';
const HOST = '127.0.0.1';

export interface RegionOptions {
  readonly engine: Engine;
  readonly name: string;
  /** The region's permanent number. */
  readonly id: number;
  /** Its clients' port; the next two are taken, too. */
  readonly port: number;
  /** Where clients, and mirrors, are told to find it: a proxy. Default: `port`. */
  readonly advertised?: { readonly client: number; readonly internal: number };
  /** By Apache Kafka's names. */
  readonly configs?: Readonly<Record<string, string>>;
  /** Of a JVM, as `-Xmx` takes it. */
  readonly heap?: string;
  /** For a profile of ours, such as `--cpu-prof`. */
  readonly nodeFlags?: readonly string[];
}

export interface MirrorRegion {
  readonly engine: Engine;
  readonly name: string;
  readonly id: number;
  readonly node: NodeProcess;
  /** Plain clients. */
  readonly port: number;
  /** Where a mirror of ours connects: the internal listener of our broker, the only one of Apache Kafka. */
  readonly mirrorPort: number;
  /** Of further nodes of an Apache Kafka, where a mirror connects, too. */
  readonly otherPorts?: readonly number[];
  /** Kills it if it runs, and removes its folder. */
  remove(): Promise<void>;
}

/** Not started yet. */
export async function openRegion(options: RegionOptions): Promise<MirrorRegion> {
  const folder = mkdtempSync(join(tmpdir(), `region-${options.name}-`));
  const isOurs = options.engine === 'embedded';
  const node = isOurs ? embedded(options, folder) : await kafka(options, folder);
  const { advertised = { client: options.port, internal: options.port + 1 } } = options;
  return {
    engine: options.engine,
    name: options.name,
    id: options.id,
    node,
    port: options.port,
    mirrorPort: isOurs ? advertised.internal : advertised.client,
    remove: async () => {
      await node.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function embedded({ name, id, port, advertised, configs, nodeFlags }: RegionOptions, folder: string): NodeProcess {
  const internal = { host: HOST, port: port + 1, secret: REGION_SECRET };
  const config = {
    region: name,
    regionId: id,
    nodeId: 1,
    dataFolder: join(folder, 'data'),
    client: { host: HOST, port, ...(advertised && { advertisedPort: advertised.client }) },
    internal: { ...internal, ...(advertised && { advertisedHost: HOST, advertisedPort: advertised.internal }) },
    regions: ['west', 'east', 'north'],
    configs: configs ?? {},
    autoCreateTopics: false,
  };
  return meridianNode(folder, port, config, nodeFlags);
}

async function kafka({ name, port, advertised, configs, heap }: RegionOptions, folder: string): Promise<NodeProcess> {
  const configFile = join(folder, 'server.properties');
  const dataFolder = join(folder, 'data');
  mkdirSync(dataFolder);
  const local = `LOCAL://${HOST}:${port + 2}`;
  const properties = {
    listeners: `PLAINTEXT://${HOST}:${port},CONTROLLER://${HOST}:${port + 1},${local}`,
    'advertised.listeners': `PLAINTEXT://${HOST}:${advertised?.client ?? port},${local}`,
    'inter.broker.listener.name': 'LOCAL',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,LOCAL:PLAINTEXT',
    'auto.create.topics.enable': 'false',
    ...configs,
  };
  writeFileSync(configFile, propertiesOf({ port, properties }, dataFolder));
  await formatKafka(configFile, randomUuid(), ['--standalone']);
  return new NodeProcess({
    id: 1,
    clientPort: port,
    folder: dataFolder,
    logFile: join(folder, `${name}.log`),
    command: 'java',
    args: kafkaServerArgs(configFile, heap),
    isReady: isKafkaReady,
  });
}
