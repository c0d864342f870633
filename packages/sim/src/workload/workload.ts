/**
 * The clients of a run: in each region Kafka writers, an SDK publisher and an SDK reader, on a machine of their own that
 * no fault kills. The topic exists in both regions before the first record.
 */
import { createClient } from '@meridian/client';
import { type Io, silentLogger } from '@meridian/io';
import type { SimWorld } from '@meridian/io/sim';
import { connect } from '@meridian/sdk';
import type { Outcome } from '../checkers/checker.ts';
import type { GeoCluster, RegionCluster } from '../geo-cluster.ts';
import type { Ledger } from '../ledger.ts';
import { LIMITS } from '../limits.ts';
import { createSimRuntime } from '../sdk-runtime.ts';
import { countRecords } from '../stored.ts';
import { PHYSICAL_TOPIC, TOPIC } from '../topology.ts';
import { runPublisher } from './publisher.ts';
import { startReader } from './reader.ts';
import { runWriter } from './writer.ts';

export interface Workload {
  /** Every write has been answered, one way or the other. */
  writersDone(): boolean;
  /** Every reader has as many messages as there are records. */
  readersHave(outcome: Outcome): boolean;
  progress(): string;
}

export async function startWorkload(world: SimWorld, cluster: GeoCluster, ledger: Ledger): Promise<Workload> {
  let running = 0;
  const track = (work: Promise<void>): void => {
    running++;
    work.then(
      () => running--,
      (error: Error) => world.trace(`a client broke: ${error.message}`),
    );
  };
  for (const region of cluster.regions) await startClients(world, cluster, region, ledger, track);
  return {
    writersDone: () => running === 0,
    readersHave: ({ origins }) => {
      const stored = countRecords(origins);
      return ledger.readers.every(({ delivered }) => delivered.length >= stored);
    },
    progress: () => ledger.readers.map(({ name, delivered }) => `${name} ${delivered.length}`).join(', '),
  };
}

async function startClients(
  world: SimWorld,
  cluster: GeoCluster,
  region: RegionCluster,
  ledger: Ledger,
  track: (work: Promise<void>) => void,
): Promise<void> {
  const io = world.node(`${region.name}/app`).boot();
  const trace = (line: string): void => world.trace(line);
  await createTopic(io, region);
  for (let n = 0; n < LIMITS.writersPerRegion; n++) {
    const client = createClient({ io, bootstrap: region.kafka, clientId: `writer-${n}`, log: silentLogger });
    const name = `${region.name}-w${n}`;
    track(runWriter({ io, client, name, region: region.name, topic: PHYSICAL_TOPIC, ledger, trace }));
  }
  const urls = cluster.gatewayUrls(region.name);
  const session = { urls, token: 'somebody', runtime: createSimRuntime(io) };
  for (let n = 0; n < LIMITS.publishersPerRegion; n++) {
    const meridian = await connect({ ...session, protocol: n % 2 === 0 ? 'json' : 'bin' });
    const name = `${region.name}-p${n}`;
    track(runPublisher({ io, meridian, name, topic: TOPIC, physicalTopic: PHYSICAL_TOPIC, ledger, trace }));
  }
  for (const protocol of ['json', 'bin'] as const)
    startReader(await connect({ ...session, protocol }), `${region.name}-r-${protocol}`, TOPIC, ledger);
}

async function createTopic(io: Io, region: RegionCluster): Promise<void> {
  const client = createClient({ io, bootstrap: region.kafka, clientId: 'setup', log: silentLogger });
  const topic = { name: PHYSICAL_TOPIC, numPartitions: LIMITS.partitions, configs: { 'meridian.durability': 'fsync' } };
  const [outcome] = await client.createTopics([topic]);
  if (outcome === undefined || outcome.errorCode !== 0) throw new Error(`topic: ${outcome?.errorMessage}`);
  await client.close();
}
