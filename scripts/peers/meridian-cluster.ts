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
    const configFile = join(folder, `node-${id}.json`);
    writeFileSync(configFile, JSON.stringify(config));
    return new NodeProcess({
      id,
      clientPort: ports.client,
      folder: dataFolder,
      logFile: join(folder, `node-${id}.log`),
      command: process.execPath,
      args: [...(options.nodeFlags ?? []), MAIN, '--config', configFile],
      env: { NODE_COMPILE_CACHE: join(tmpdir(), 'meridian-bench-compile-cache') },
      isReady: (line) => line.startsWith('{"ready"'),
    });
  });
  return clusterOf('Meridian', folder, nodes);
}
