/**
 * Our mirror as a process of its own, between two regions of `mirror-region.ts`. Used by `bench -- mirror`,
 * `chaos -- mirror` and `compat -- mirror`.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MirrorRegion, REGION_SECRET } from './mirror-region.ts';
import { NodeProcess } from './node-process.ts';

const MAIN = join(import.meta.dirname, '../../apps/mirror/src/main.ts');
const HOST = '127.0.0.1';

type Endpoint = Pick<MirrorRegion, 'name' | 'engine' | 'mirrorPort' | 'otherPorts'>;

export interface MeridianMirrorOptions {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly managementPort: number;
  /** What is copied. Default: all topics. */
  readonly topics?: readonly string[];
  /** What else its link says, as in `links.yaml`. */
  readonly link?: Readonly<Record<string, unknown>>;
  /** Its name among the region's mirrors, by which it is its own heir. Default: made up. */
  readonly memberId?: string;
  readonly nodeFlags?: readonly string[];
}

/** Not started yet. */
export function meridianMirror(options: MeridianMirrorOptions) {
  const { from, to, topics, link, managementPort, memberId, nodeFlags = [] } = options;
  const folder = mkdtempSync(join(tmpdir(), 'meridian-mirror-'));
  const configFile = join(folder, 'mirror.json');
  const chosen = topics === undefined ? {} : { topics: { list: topics } };
  const config = {
    region: to.name,
    secret: REGION_SECRET,
    target: endpointOf(to),
    sources: [{ region: from.name, ...endpointOf(from) }],
    links: [{ from: from.name, to: to.name, ...chosen, ...link }],
    management: { port: managementPort },
    ...(memberId !== undefined && { memberId }),
  };
  writeFileSync(configFile, JSON.stringify(config));
  return new NodeProcess({
    id: 1,
    clientPort: managementPort,
    folder,
    logFile: join(folder, 'mirror.log'),
    command: process.execPath,
    args: [...nodeFlags, MAIN, '--config', configFile],
    env: { NODE_COMPILE_CACHE: join(tmpdir(), 'meridian-bench-compile-cache') },
    isReady: (line) => line.startsWith('{"ready"'),
  });
}

function endpointOf({ engine, mirrorPort, otherPorts = [] }: Endpoint) {
  if (engine === 'embedded') return { bootstrap: [{ host: HOST, port: mirrorPort }] };
  return { kafka: { 'bootstrap.servers': [mirrorPort, ...otherPorts].map((port) => `${HOST}:${port}`).join(',') } };
}

/** The prefix policy's name of a copy; MirrorMaker 2 names its copies in the same way. */
export const copyName = (from: Pick<MirrorRegion, 'name'>, topic: string): string => `${from.name}.${topic}`;
