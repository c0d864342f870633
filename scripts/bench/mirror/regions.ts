/**
 * The regions of the mirror bench, started when a row asks for them and kept until the end: a pair of our brokers, a pair of
 * Apache Kafka's, and for each engine an origin behind a line of 100 ms.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Engine, type MirrorRegion, openRegion } from '../../peers/mirror-region.ts';
import { payloadOf } from '../broker/payloads.ts';
import type { Pair } from './contestants.ts';
import { createTopic, deleteTopics, fill } from './topics.ts';

const PROXY = join(import.meta.dirname, 'proxy.ts');
const PORTS = { embedded: 31_900, kafka: 31_940 } as const;
const FROM_AT = 0;
const TO_AT = 10;
const FAR_AT = 20;
const PROXY_AT = 30;
const ROUND_TRIP_MS = 100;
const WARM_UP_RECORDS = 2_000_000;
const QUICK_REMOVAL = { 'log.segment.delete.delay.ms': '500' };

export class BenchRegions {
  readonly #opened = new Map<string, Promise<MirrorRegion>>();
  readonly #proxies: ChildProcess[] = [];

  async pair(engine: Engine): Promise<Pair> {
    const from = this.#region(`west-${engine}`, { engine, name: 'west', id: 1, port: PORTS[engine] + FROM_AT });
    return { from: await from, to: await this.#target(engine) };
  }

  /** Whoever asks the origin where it is, is told its line; the bench itself goes by its port. */
  async farPair(engine: Engine): Promise<Pair> {
    const port = PORTS[engine] + FAR_AT;
    const advertised = { client: PORTS[engine] + PROXY_AT, internal: PORTS[engine] + PROXY_AT + 1 };
    const key = `north-${engine}`;
    if (!this.#opened.has(key)) {
      await this.#proxy(advertised.client, port);
      await this.#proxy(advertised.internal, port + 1);
    }
    const from = await this.#region(key, { engine, name: 'north', id: 3, port, advertised });
    return { from, to: await this.#target(engine) };
  }

  async remove(): Promise<void> {
    for (const proxy of this.#proxies) proxy.kill('SIGTERM');
    for (const opening of this.#opened.values()) await (await opening).remove();
  }

  #target(engine: Engine): Promise<MirrorRegion> {
    return this.#region(`east-${engine}`, { engine, name: 'east', id: 2, port: PORTS[engine] + TO_AT });
  }

  #region(key: string, options: Parameters<typeof openRegion>[0]): Promise<MirrorRegion> {
    const opened = this.#opened.get(key) ?? this.#open(options);
    this.#opened.set(key, opened);
    return opened;
  }

  /** Started, and warmed up: a JVM compiles in its first seconds. */
  async #open(options: Parameters<typeof openRegion>[0]): Promise<MirrorRegion> {
    const region = await openRegion({ ...options, configs: QUICK_REMOVAL });
    await region.node.start();
    await createTopic(region.port, 'warm-up', 1);
    await fill(region.port, 'warm-up', 0, payloadOf(100, 16_384), WARM_UP_RECORDS);
    await deleteTopics(region.port, ['warm-up']);
    return region;
  }

  async #proxy(listen: number, target: number): Promise<void> {
    const args = [PROXY, listen, target, ROUND_TRIP_MS / 2].map(String);
    const proxy = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    process.once('exit', () => proxy.kill('SIGKILL'));
    this.#proxies.push(proxy);
    await once(proxy.stdout, 'data');
  }
}
