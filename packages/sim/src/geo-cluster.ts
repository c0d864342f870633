/**
 * Two regions in one simulated world: a broker (or three), a mirror and a gateway each, every one a process on a machine of its own,
 * put together by the same `createX` that the real processes use.
 * Invariant: nothing here keeps state across a process's death but what is on its disk.
 */
import { createBroker } from '@meridian/broker';
import { createClient } from '@meridian/client';
import { createGateway } from '@meridian/gateway';
import { type Io, silentLogger } from '@meridian/io';
import type { SimLink, SimWorld } from '@meridian/io/sim';
import { createMirror } from '@meridian/mirror';
import { keyRingText } from '@meridian/tenancy';
import type { Outcome } from './checkers/checker.ts';
import { listenForChannels } from './gateway-channel.ts';
import { fetchLimits } from './geo/plan.ts';
import type { Ledger } from './ledger.ts';
import { LIMITS } from './limits.ts';
import { ProcessSlot } from './process-slot.ts';
import { readStored } from './stored.ts';
import {
  brokerConfig,
  brokerHost,
  brokerIds,
  CURSOR_KEYS_FILE,
  gatewayConfig,
  mirrorConfig,
  PHYSICAL_TOPIC,
  PORTS,
  REGIONS,
  type RegionPlan,
  simVerifier,
} from './topology.ts';

const CURSOR_SECRET = Buffer.alloc(32, 'cursor');
const PARTS = ['mirror', 'gateway', 'app'] as const;

export interface RegionCluster {
  name: string;
  brokers: readonly ProcessSlot[];
  mirror: ProcessSlot;
  gateway: ProcessSlot;
  kafka: { host: string; port: number }[];
}

export interface GeoCluster {
  regions: readonly [RegionCluster, RegionCluster];
  start(): void;
  allReady(): boolean;
  linksBetween(a: RegionCluster, b: RegionCluster): SimLink[];
  linksWithin(region: RegionCluster): SimLink[];
  allLinks(): SimLink[];
  /** The region's own first. */
  gatewayUrls(region: string): string[];
  /** Reads what every broker holds. */
  readAll(ledger: Ledger): Promise<Outcome>;
}

export function createGeoCluster(world: SimWorld): GeoCluster {
  const parts = [...brokerIds(world.seed).map(brokerName), ...PARTS];
  const regions = REGIONS.map((plan) => createRegion(world, plan)) as [RegionCluster, RegionCluster];
  const linksBetween: GeoCluster['linksBetween'] = (a, b) =>
    parts.flatMap((from) => parts.map((to) => world.link(`${a.name}/${from}`, `${b.name}/${to}`)));
  const linksWithin: GeoCluster['linksWithin'] = ({ name }) =>
    parts.flatMap((from, index) => parts.slice(index + 1).map((to) => world.link(`${name}/${from}`, `${name}/${to}`)));
  for (const link of linksBetween(...regions)) link.set({ latencyMs: LIMITS.interRegionLatencyMs });
  const slots = regions.flatMap(({ brokers, mirror, gateway }) => [...brokers, mirror, gateway]);
  return {
    regions,
    start: () => {
      for (const slot of slots) slot.start();
    },
    allReady: () => slots.every((slot) => slot.ready),
    linksBetween,
    linksWithin,
    allLinks: () => [...linksBetween(...regions), ...regions.flatMap(linksWithin)],
    gatewayUrls: (region) =>
      [...REGIONS]
        .sort((a, b) => Number(b.name === region) - Number(a.name === region))
        .map(({ name }) => `sim://gateway.${name}:${PORTS.gateway}`),
    readAll: (ledger) => readAll(world, regions, ledger),
  };
}

const brokerName = (id: number): string => `broker${id}`;

function createRegion(world: SimWorld, plan: RegionPlan): RegionCluster {
  const { name } = plan;
  const ids = brokerIds(world.seed);
  const log = silentLogger;
  const slot = (part: string, start: (io: Io) => Promise<unknown>) =>
    new ProcessSlot(world, world.node(`${name}/${part}`, { host: `${part}.${name}` }), start);
  world.node(`${name}/app`, { host: `app.${name}` });
  for (const id of ids)
    world.node(`${name}/${brokerName(id)}`, { host: brokerHost(name, id) }).setSyncLatency(LIMITS.syncLatencyMs);
  return {
    name,
    kafka: ids.map((id) => ({ host: brokerHost(name, id), port: PORTS.client })),
    brokers: ids.map((id) =>
      slot(brokerName(id), (io) =>
        createBroker({
          io,
          config: brokerConfig(plan, ids, id),
          log,
          limits: { packedLeastBytes: LIMITS.packedLeastBytes },
        }),
      ),
    ),
    mirror: slot('mirror', (io) =>
      createMirror({
        ...{ io, log, listen: false },
        config: mirrorConfig(plan, ids, world.seed),
        limits: fetchLimits(world.seed, plan.name),
      }),
    ),
    gateway: slot('gateway', async (io) => {
      io.disk.replaceFile(CURSOR_KEYS_FILE, Buffer.from(keyRingText(CURSOR_SECRET)));
      const config = gatewayConfig(plan, ids);
      const gateway = await createGateway({ io, config, log, listen: false, verifier: simVerifier });
      await listenForChannels(io, PORTS.gateway, (socket) => gateway.accept(socket));
    }),
  };
}

async function readAll(world: SimWorld, regions: readonly RegionCluster[], ledger: Ledger): Promise<Outcome> {
  const outcome = { ledger, origins: [], copies: [], partitions: LIMITS.partitions } as Outcome & {
    origins: Outcome['origins'][number][];
    copies: Outcome['copies'][number][];
  };
  for (const at of regions) {
    const io = world.node('auditor').boot();
    const client = createClient({ io, bootstrap: at.kafka, clientId: 'auditor', log: silentLogger });
    for (let partition = 0; partition < LIMITS.partitions; partition++) {
      outcome.origins.push(await readStored(client, at.name, PHYSICAL_TOPIC, partition));
      for (const { name: origin } of regions.filter((region) => region !== at))
        outcome.copies.push({
          origin,
          stored: await readStored(client, at.name, `${origin}.${PHYSICAL_TOPIC}`, partition),
        });
    }
    await client.close();
  }
  return outcome;
}
