/**
 * Two regions of one fake broker each, and a mirror between them: what the tests of links and topics run on.
 * Invariant: brokers keep their logs whatever happens to processes; the mirror keeps nothing.
 */
import { FakeBroker } from '@meridian/client/testing';
import { type Disk, silentLogger } from '@meridian/io';
import { createSimWorld, type SimWorld } from '@meridian/io/sim';
import { batchBaseOffset, writeBatch } from '@meridian/protocol/record-batch';
import { checkSchema, type LinkEntry } from '@meridian/service';
import { readLinks } from '@meridian/service/links';
import { expect } from 'vitest';
import type { SourceConfig } from '../config.ts';
import { createMirror, type Mirror, type MirrorConfig, type PartitionStatus } from '../mirror.ts';

export const SECRET = 'between the regions';

const LINKS_FILE = '/links.yaml';

export function batchOf(count: number): Buffer {
  const value = new TextEncoder().encode('some record of some size');
  const records = Array.from({ length: count }, () => ({ timestamp: 1, key: null, value, headers: [] }));
  const bytes = writeBatch({ records });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

export class Stage {
  readonly world: SimWorld;
  readonly us = new FakeBroker({ host: 'us', port: 9093, secret: SECRET, features: ['meridian.mirror'] });
  readonly eu = new FakeBroker({ host: 'eu', port: 9193, secret: SECRET, features: ['meridian.mirror'] });
  mirror: Mirror | undefined;
  /** As `links.yaml` would have it. */
  link: Partial<LinkEntry> = {};
  /** Regions besides the two. */
  others: SourceConfig[] = [];
  /** The text of `links.yaml`, where the mirror follows one. */
  linksFile: string | undefined;
  private disk: Disk | undefined;

  constructor(seed: number) {
    this.world = createSimWorld({ seed });
  }

  async start(): Promise<this> {
    await this.world.settle(this.us.start(this.world.node('us').boot()));
    await this.world.settle(this.eu.start(this.world.node('eu').boot()));
    await this.startMirror();
    return this;
  }

  async startMirror(): Promise<void> {
    const io = this.world.node('mirror').boot();
    this.disk = io.disk;
    if (this.linksFile !== undefined) io.disk.replaceFile(LINKS_FILE, Buffer.from(this.linksFile));
    const config: MirrorConfig = {
      region: 'eu-west',
      secret: SECRET,
      target: { bootstrap: [{ host: 'eu', port: 9193 }] },
      sources: [{ region: 'us-east', bootstrap: [{ host: 'us', port: 9093 }] }, ...this.others],
      links: [{ from: 'us-east', to: 'eu-west', ...this.link }],
      ...(this.linksFile !== undefined && { linksFile: LINKS_FILE }),
      management: { host: 'mirror', port: 9194 },
    };
    this.mirror = await this.world.settle(createMirror({ io, config, log: silentLogger, listen: false, readLinks }));
  }

  editLinks(text: string): void {
    this.disk?.replaceFile(LINKS_FILE, Buffer.from(text));
  }

  async restart(which: 'us' | 'eu'): Promise<void> {
    this.world.node(which).kill();
    await this.world.run(this.world.now() + 400);
    await this.world.settle(this[which].restart(this.world.node(which).boot()));
  }

  write(topic: string, partition: number, count: number): void {
    this.us.partition(topic, partition).append(batchOf(count));
    this.us.wake();
  }

  recordOf(key: string, value: string): Buffer {
    const record = { timestamp: 1, key: Buffer.from(key), value: Buffer.from(value), headers: [] };
    return Buffer.from(writeBatch({ records: [record] }).buffer);
  }

  status(topic: string, partition = 0): PartitionStatus | undefined {
    const partitions = this.mirror!.status().flatMap((link) => link.partitions);
    return partitions.find((each) => each.topic === topic && each.partition === partition);
  }

  /** The bytes of both logs, without the leader epochs, which are each side's own. */
  same(topic: string, partition = 0): boolean {
    const bytes = (broker: FakeBroker, name: string): string[] =>
      broker.topics
        .get(name)!
        .partitions[partition]!.batches.map(
          (batch) => `${batchBaseOffset(batch)} ${batch.subarray(16).toString('hex')}`,
        );
    const copy = this.eu.topics.get(`us-east.${topic}`)?.partitions[partition];
    if (copy === undefined) return false;
    return bytes(this.us, topic).join() === bytes(this.eu, `us-east.${topic}`).join();
  }

  /** As the management port answers; what is refused rejects. */
  async ask(method: string, pathAndQuery: string, body?: object): Promise<unknown> {
    const [path = '', search] = pathAndQuery.split('?');
    const query = Object.fromEntries(new URLSearchParams(search));
    const parts = path.split('/');
    const isHere = (wanted: string[]): boolean =>
      wanted.length === parts.length && wanted.every((part, at) => part[0] === ':' || part === parts[at]);
    const route = this.mirror!.routes.find((each) => each.method === method && isHere(each.path.split('/')));
    const { value, problems } = checkSchema(route?.body ?? {}, body ?? {});
    if (route === undefined || problems.length > 0) throw new Error(JSON.stringify(problems));
    const names = route.path.split('/').flatMap((part, at) => (part[0] === ':' ? [[part.slice(1), parts[at]!]] : []));
    const request = { params: Object.fromEntries(names), query, body: value };
    return this.world.settle(Promise.resolve(route.handle(request)));
  }

  async until(done: () => boolean, limitMs = 30_000): Promise<void> {
    const reached = await this.world.runUntil(done, limitMs);
    expect(reached, JSON.stringify(this.mirror?.status(), null, 1)).toBe(true);
  }
}
