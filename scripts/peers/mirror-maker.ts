/**
 * MirrorMaker 2 in dedicated mode as a peer of our mirror: one process that copies topics from one region to another, as
 * it comes or tuned as its users tune it. Used by `bench -- mirror` and `chaos -- mirror`.
 * Invariant: what is not named here is MirrorMaker's default, but for replication factors: its clusters have one node.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KAFKA_VERSION, kafkaProcessArgs } from './kafka.ts';
import type { MirrorRegion } from './mirror-region.ts';
import { NodeProcess } from './node-process.ts';

const CLASS = 'org.apache.kafka.connect.mirror.MirrorMaker';
export const MIRROR_MAKER = `MirrorMaker ${KAFKA_VERSION}`;

export interface MirrorMakerOptions {
  readonly from: Pick<MirrorRegion, 'name'> & { readonly bootstrap: string };
  readonly to: Pick<MirrorRegion, 'name'> & { readonly bootstrap: string };
  /** A pattern, as its `topics` takes it. */
  readonly topics: string;
  readonly isTuned?: boolean;
  /** Further lines, e.g. `emit.checkpoints.interval.seconds`. */
  readonly properties?: Readonly<Record<string, string | number>>;
  readonly heap?: string;
  /** Is told all that it writes. */
  readonly onLine?: (line: string) => void;
}

/** Larger batches, several in flight, larger fetches: what guides and its users advise. */
const tuned = (from: string, to: string): Record<string, string | number> => ({
  [`${to}.producer.batch.size`]: 262_144,
  [`${to}.producer.linger.ms`]: 20,
  [`${to}.producer.max.in.flight.requests.per.connection`]: 5,
  [`${from}.consumer.max.poll.records`]: 20_000,
  [`${from}.consumer.max.partition.fetch.bytes`]: 8_388_608,
});

const ONE_NODE = Object.fromEntries(
  [
    '',
    'checkpoints.topic.',
    'heartbeats.topic.',
    'offset-syncs.topic.',
    'offset.storage.',
    'status.storage.',
    'config.storage.',
  ].map((what) => [`${what}replication.factor`, 1]),
);

/** Not started yet; it copies some seconds after its start. It keeps its place in the target, and may be started again. */
export function mirrorMaker(options: MirrorMakerOptions): NodeProcess {
  const { from, to, topics, isTuned, properties, heap, onLine } = options;
  const folder = mkdtempSync(join(tmpdir(), 'mirror-maker-'));
  const configFile = join(folder, 'mm2.properties');
  const all: Record<string, string | number> = {
    clusters: `${from.name},${to.name}`,
    [`${from.name}.bootstrap.servers`]: from.bootstrap,
    [`${to.name}.bootstrap.servers`]: to.bootstrap,
    [`${from.name}->${to.name}.enabled`]: 'true',
    [`${from.name}->${to.name}.topics`]: topics,
    [`${to.name}->${from.name}.enabled`]: 'false',
    'tasks.max': 2,
    ...ONE_NODE,
    ...(isTuned && tuned(from.name, to.name)),
    ...properties,
  };
  const lines = Object.entries(all).map(([key, value]) => `${key}=${value}\n`);
  writeFileSync(configFile, lines.join(''));
  return new NodeProcess({
    id: 1,
    clientPort: 0,
    folder,
    logFile: join(folder, 'mm2.log'),
    command: 'java',
    args: kafkaProcessArgs(CLASS, [configFile], `-Xmx${heap ?? '1G'}`),
    isReady: () => true,
    ...(onLine && { onLine }),
  });
}
