/** Three of our brokers, each broker and controller, as `cluster.ts` has them: real processes, a folder of their own. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cluster, type ClusterOptions, clusterOf, NODE_IDS, portsOf, randomUuid } from './cluster.ts';
import { NodeProcess } from './node-process.ts';

const MAIN = join(import.meta.dirname, '../../apps/broker/src/main.ts');
const SECRET = 'nobody comes here today';
const HOST = '127.0.0.1';

export function meridianCluster(options: ClusterOptions): Cluster {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-cluster-'));
  const clusterId = randomUuid();
  const directoryIds = new Map(NODE_IDS.map((id) => [id as number, randomUuid()]));
  const advertised = (port: number): number => options.advertise?.(port) ?? port;
  const voters = NODE_IDS.map((id) => ({
    id,
    host: HOST,
    port: advertised(portsOf(options.port, id).internal),
    directoryId: directoryIds.get(id),
  }));
  const nodes = NODE_IDS.map((id) => {
    const ports = portsOf(options.port, id);
    const dataFolder = join(folder, `node-${id}`);
    mkdirSync(dataFolder);
    const config = {
      region: 'bench',
      regionId: 1,
      nodeId: id,
      clusterId,
      directoryId: directoryIds.get(id),
      voters,
      dataFolder,
      client: { host: HOST, port: ports.client },
      internal: {
        host: HOST,
        port: ports.internal,
        secret: SECRET,
        advertisedHost: HOST,
        advertisedPort: advertised(ports.internal),
      },
      regions: ['bench'],
      configs: options.configs ?? {},
    };
    return meridianNode(folder, ports.client, config, options.nodeFlags);
  });
  return clusterOf('Meridian', folder, nodes);
}

/** A process on this config, which is written into `folder` beside its log. */
export function meridianNode(
  folder: string,
  clientPort: number,
  config: { readonly nodeId: number; readonly dataFolder: string },
  nodeFlags: readonly string[] = [],
): NodeProcess {
  const name = `node-${config.nodeId}`;
  const configFile = join(folder, `${name}.json`);
  writeFileSync(configFile, JSON.stringify(config));
  return new NodeProcess({
    id: config.nodeId,
    clientPort,
    folder: config.dataFolder,
    logFile: join(folder, `${name}.log`),
    command: process.execPath,
    args: [...nodeFlags, MAIN, '--config', configFile],
    env: { NODE_COMPILE_CACHE: join(tmpdir(), 'meridian-bench-compile-cache') },
    isReady: (line) => line.startsWith('{"ready"'),
  });
}
