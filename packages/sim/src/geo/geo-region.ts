/**
 * One region of a geo run: a broker of its engine and its mirrors, each a process on a machine of its own, with a
 * supervisor that starts it again. Faults, workload and checkers reach everything through here.
 * Invariant: nothing here keeps state across a process's death but what is on its disk.
 */
import { createBroker } from '@meridian/broker';
import { type Client, createClient } from '@meridian/client';
import { type Io, silentLogger } from '@meridian/io';
import { between, type SimNode, type SimWorld } from '@meridian/io/sim';
import { createMirror, type Mirror } from '@meridian/mirror';
import { createSimKafka } from '../kafka/sim-kafka.ts';
import { SimKafkaDisk } from '../kafka/sim-kafka-disk.ts';
import { GEO } from './limits.ts';
import {
  brokerConfig,
  brokerHost,
  fetchLimits,
  type GeoPlan,
  type GeoRegionPlan,
  mirrorConfig,
  PORTS,
} from './plan.ts';

export class GeoProcess<T> {
  readonly node: SimNode;
  /** While it runs. */
  running: T | undefined;
  private readonly world: SimWorld;
  private readonly begin: (io: Io) => Promise<T>;
  private boot = 0;

  constructor(world: SimWorld, node: SimNode, begin: (io: Io) => Promise<T>) {
    this.world = world;
    this.node = node;
    this.begin = begin;
  }

  start(): void {
    const boot = ++this.boot;
    this.begin(this.node.boot()).then(
      (running) => {
        if (boot === this.boot) this.running = running;
      },
      (error: Error) => {
        if (boot !== this.boot) return;
        this.world.trace(`${this.node.name} failed to start: ${error.message}`);
        this.die(() => this.node.kill());
      },
    );
  }

  kill(): void {
    this.die(() => this.node.kill());
  }

  powerLoss(): void {
    this.die(() => this.node.powerLoss());
  }

  private die(how: () => void): void {
    const boot = ++this.boot;
    this.running = undefined;
    how();
    this.world.after(between(this.world.random, GEO.restartMs), () => {
      if (boot === this.boot) this.start();
    });
  }
}

export interface GeoRegion {
  readonly plan: GeoRegionPlan;
  readonly name: string;
  readonly broker: GeoProcess<unknown>;
  readonly mirrors: readonly GeoProcess<Mirror>[];
  /** Of an Apache Kafka. */
  readonly disk: SimKafkaDisk | undefined;
  /** Machines of its processes, and of its clients (`app`), which no fault kills. */
  readonly machines: readonly string[];
  /** On the clients' machine; whoever makes it closes it. */
  client(clientId: string): { io: Io; client: Client };
}

function brokerOf(region: GeoRegionPlan, disk: SimKafkaDisk | undefined): (io: Io) => Promise<unknown> {
  if (disk === undefined)
    return (io) =>
      createBroker({
        io,
        config: brokerConfig(region),
        log: silentLogger,
        limits: {
          packedLeastBytes: GEO.packedLeastBytes,
          // What the cleaner took is not to be read from memory either.
          ...(region.isCompacting && { tailCacheBytes: GEO.compactedCacheBytes }),
        },
      });
  return (io) => createSimKafka({ io, host: brokerHost(region.name), port: PORTS.client, disk });
}

const MIRRORS = Array.from({ length: GEO.mirrorsPerRegion }, (_, index) => `mirror${index + 1}`);

export function createGeoRegion(world: SimWorld, plan: GeoPlan, region: GeoRegionPlan): GeoRegion {
  const { name } = region;
  const machine = (part: string): SimNode => world.node(`${name}/${part}`, { host: `${part}.${name}` });
  const app = machine('app').boot();
  const broker = machine('broker');
  broker.setSyncLatency(GEO.syncLatencyMs);
  const disk = region.engine === 'kafka' ? new SimKafkaDisk() : undefined;
  return {
    plan: region,
    name,
    broker: new GeoProcess(world, broker, brokerOf(region, disk)),
    disk,
    mirrors: MIRRORS.map(
      (part) =>
        new GeoProcess(world, machine(part), (io) =>
          createMirror({
            io,
            config: mirrorConfig(plan, region, part),
            log: silentLogger,
            limits: fetchLimits(plan.seed, name),
            listen: false,
          }),
        ),
    ),
    machines: ['broker', ...MIRRORS, 'app'].map((part) => `${name}/${part}`),
    client: (clientId) => ({
      io: app,
      client: createClient({
        io: app,
        bootstrap: [{ host: brokerHost(name), port: PORTS.client }],
        clientId,
        log: silentLogger,
        limits: { requestTimeoutMs: GEO.clientRequestMs, connectTimeoutMs: GEO.clientRequestMs },
      }),
    }),
  };
}
