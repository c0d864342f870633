/**
 * Whole data folders that change hands. One that our broker wrote is started by Apache Kafka, and one that Kafka wrote by
 * our broker, written on, and given back: each serves what the other did, byte for byte, with the same topic ids,
 * configs, aborted transactions and group offsets, and `DumpLogSegments` has nothing to complain of.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@meridian/io';
import { createRealIo } from '@meridian/io/real';
import { createBroker } from '../../apps/broker/src/broker.ts';
import { installKafka, startKafka } from '../peers/kafka.ts';
import type { CompatClient } from './compat-client.ts';
import { appendAborted, PRODUCER_ID } from './folders/appended.ts';
import { dump } from './folders/dumped.ts';
import { commit, createTopics, fill, GROUP, KEYS, produce } from './folders/filled.ts';
import { Client, type Observed, observe, settled, valuesOf } from './folders/observed.ts';
import { TransactionalProducer } from './folders/transactions.ts';

const PORT = 31_092;
const OUR_PORT = 31_192;
const DAMAGE = /corrupt|recovering unflushed|not shut down cleanly|unclean|ERROR|Found invalid/i;
/** Lines that are no complaint: the config that Kafka prints, and what it says of every election while it starts. */
const NO_DAMAGE = /^\t|unclean\.leader\.election/;
const INTERNAL_TOPIC = /^__/;
const SEGMENT_FILE = /^\d{20}\.(log|index|timeindex|snapshot)$/;
/** Few, so that every partition of the internal topics is looked at in no time. */
const FEW = { 'offsets.topic.num.partitions': '2' };
const KAFKAS = {
  ...FEW,
  'transaction.state.log.num.partitions': 2,
  // Snapshots of the metadata, and a log that can be shortened behind them.
  'metadata.log.max.record.bytes.between.snapshots': 2_000,
  'internal.metadata.log.segment.bytes': 2_000,
};

export const foldersClient: CompatClient = {
  name: 'folders',
  standsAlone: true,
  install: () => void installKafka(),
  checks: [
    { name: 'Apache Kafka starts on a folder of our broker’s and serves the same', run: () => inFolder(oursToKafka) },
    { name: 'our broker starts on Apache Kafka’s, writes on, and gives it back', run: () => inFolder(kafkaToOurs) },
  ],
};

async function oursToKafka(folder: string): Promise<void> {
  await byUs(folder, async (client) => {
    await fill(client);
    await commit(client, { plain: 7, packed: 12 });
    await settled(async () => dirsIn(folder).some(isCompacted) || undefined);
  });
  // After a start: until then the newest records are served from memory, compacted or not.
  const ours = await byUs(folder, () => observe(OUR_PORT, [GROUP]));
  assert.equal(valuesOf(ours.partitions.get('keyed-0')!, false).length, KEYS + 1);
  assert.ok(ours.partitions.get('plain-0')!.bytes.length > 0);
  assert.equal(new Set([...ours.partitions.values()].map(({ place }) => place)).size, 2);
  await Promise.all(dirsIn(folder).map(dump));
  await byKafka(folder, FEW, async (client) => {
    assertServesTheSame(await observe(PORT, [GROUP]), ours);
    await produce(client, 'plain', 0, ['written by kafka']);
  });
}

/** Up to the active segment. */
function isCompacted(folder: string): boolean {
  const path = join(folder, 'cleaner-offset-checkpoint');
  if (!existsSync(join(folder, 'keyed-0'))) return false;
  const segments = readdirSync(join(folder, 'keyed-0')).filter((name) => name.endsWith('.log'));
  const active = Math.max(...segments.map((name) => Number.parseInt(name, 10)));
  return active > 0 && existsSync(path) && readFileSync(path, 'utf8').split('\n').includes(`keyed 0 ${active}`);
}

async function kafkaToOurs(folder: string): Promise<void> {
  const kafkas = await byKafka(folder, KAFKAS, writeTransactions);
  assert.deepEqual(committed(kafkas, 0), ['plain', 'committed', 'after']);
  const [first] = dirsIn(folder);
  assert.ok(existsSync(join(first, 'bootstrap.checkpoint')));
  shorten(join(first, '__cluster_metadata-0'));
  const written = await byUs(folder, async (client) => {
    assertServesTheSame(await observe(OUR_PORT, [GROUP]), kafkas);
    await produce(client, 'orders', 0, ['written by us']);
    await createTopics(client, { later: { partitions: 2, configs: { 'retention.ms': '55555' } } });
    await produce(client, 'later', 1, ['written by us']);
    await commit(client, { orders: 3, later: 0 });
    return observe(OUR_PORT, [GROUP]);
  });
  await appendAborted(
    kafkas.partitions.get('orders-1')!.place!,
    'orders',
    1,
    Array.from({ length: 20 }, (_, n) => `aborted ${n}`),
  );
  const ours = await byUs(folder, () => observe(OUR_PORT, [GROUP]));
  assert.deepEqual(committed(ours, 1), committed(written, 1));
  const shown = (await Promise.all(dirsIn(folder).map(dump))).join('\n');
  assert.match(shown, new RegExp(`producerId: ${PRODUCER_ID} producerEpoch: 0`));
  assert.match(shown, /endTxnMarker: ABORT/);
  await byKafka(folder, KAFKAS, async (client) => {
    assertServesTheSame(await observe(PORT, [GROUP]), ours);
    await produce(client, 'later', 1, ['written by kafka']);
  });
}

/** Drops the segments of the metadata that the newest snapshot stands for, as Kafka does some minutes later. */
function shorten(folder: string): void {
  const names = readdirSync(folder).sort();
  const snapshot = names.findLast((name) => name.endsWith('.checkpoint'))!;
  const segments = names.filter((name) => name.endsWith('.log')).map((name) => Number.parseInt(name, 10));
  const first = segments.findLast((baseOffset) => baseOffset <= Number.parseInt(snapshot, 10))!;
  assert.ok(first > 0, 'Kafka wrote a snapshot behind the first segment');
  for (const name of names) {
    if (SEGMENT_FILE.test(name) && Number.parseInt(name, 10) < first) rmSync(join(folder, name));
  }
}

/** Committed, aborted, and one that is left open, each with markers of its own in two partitions. */
async function writeTransactions(client: Client): Promise<Observed> {
  await createTopics(client, { orders: { partitions: 3, configs: { 'retention.ms': '123456789' } } });
  await produce(client, 'orders', 0, ['plain']);
  const producer = new TransactionalProducer(client, 'payments');
  await producer.begin();
  const inBoth = (text: string) => new Map([0, 1].map((index) => [index, [text]]));
  await producer.write('orders', inBoth('committed'), 'commit');
  await producer.write('orders', inBoth('aborted'), 'abort');
  const other = new TransactionalProducer(client, 'refunds');
  await other.begin();
  await other.write('orders', new Map([[2, ['open']]]), 'leave open');
  await settled(async () => (await observe(PORT, [])).partitions.get('orders-0')!.aborted.length > 0 || undefined);
  await produce(client, 'orders', 0, ['after']);
  await commit(client, { orders: 2 });
  return observe(PORT, [GROUP]);
}

function committed({ partitions }: Observed, index: number): string[] {
  return valuesOf(partitions.get(`orders-${index}`)!, true);
}

/** To the internal topics the new broker may have added records of its own. */
function assertServesTheSame(seen: Observed, before: Observed): void {
  for (const [name, partition] of before.partitions) {
    const now = seen.partitions.get(name);
    assert.ok(now, name);
    if (!INTERNAL_TOPIC.test(name)) assert.deepEqual(now, partition, name);
    else assert.ok(now.bytes.subarray(0, partition.bytes.length).equals(partition.bytes), name);
  }
  for (const [name, topic] of before.topics) assert.deepEqual(seen.topics.get(name), topic, name);
  assert.deepEqual(seen.offsets, before.offsets);
}

/** The first holds the metadata. */
function dirsIn(folder: string): [string, string] {
  return [join(folder, 'a'), join(folder, 'b')];
}

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-folders-'));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function byKafka<T>(
  folder: string,
  properties: Readonly<Record<string, string | number>>,
  run: (client: Client) => Promise<T>,
): Promise<T> {
  const dirs = dirsIn(folder);
  const kafka = await startKafka({
    port: PORT,
    folder: dirs[0],
    properties: { ...properties, 'log.dirs': dirs.join(',') },
  });
  const client = new Client(PORT);
  try {
    const result = await run(client);
    const damage = kafka.output.filter((line) => DAMAGE.test(line) && !NO_DAMAGE.test(line));
    assert.deepEqual(damage, []);
    return result;
  } finally {
    client.end();
    await kafka.stop();
  }
}

/** Its own complaints fail the check, too. */
async function byUs<T>(folder: string, run: (client: Client) => Promise<T>): Promise<T> {
  const [dataFolder, ...logDirs] = dirsIn(folder);
  const problems: string[] = [];
  const note = (message: string, fields?: object): void => void problems.push(`${message} ${JSON.stringify(fields)}`);
  const broker = await createBroker({
    io: createRealIo(),
    log: { ...silentLogger, warn: note, error: note },
    config: {
      region: 'us-east',
      regionId: 1,
      nodeId: 1,
      dataFolder,
      logDirs,
      client: { host: '127.0.0.1', port: OUR_PORT },
      internal: { host: '127.0.0.1', port: OUR_PORT + 1, secret: 'a secret of twenty characters' },
      regions: ['us-east'],
      autoCreateTopics: true,
      defaultPartitions: 1,
      configs: { ...FEW, 'log.cleaner.backoff.ms': '200' },
    },
  });
  const client = new Client(OUR_PORT);
  try {
    const result = await run(client);
    assert.deepEqual(problems, []);
    return result;
  } finally {
    client.end();
    await broker.stop();
  }
}
