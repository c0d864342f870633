/**
 * Two cleaners on the same bytes: random keys, tombstones, codecs, producers and transactions are written to a partition
 * twice; Apache Kafka compacts one copy, our log the other, and what is left must be the same batch by batch. Three
 * rounds, each appended behind the one before: what a cleaner leaves is the next one's input, tombstones and markers
 * whose time is up included.
 */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRealIo } from '@meridian/io/real';
import { type Log, type LogDir, openLog, openLogDir } from '@meridian/log';
import { decompress } from '@meridian/protocol';
import { deleteHorizonMs, iterateBatches, readBatchHeader, readRecords } from '@meridian/protocol/record-batch';
import { SeededRandom } from '../differential/seeded-random.ts';
import { installKafka, kafkaTool, startKafka } from '../peers/kafka.ts';
import { CleanerWorkload } from './cleaner/cleaner-workload.ts';
import type { CompatClient } from './compat-client.ts';

const PORT = 31_092;
const ROUNDS = 3;
const BATCHES = 400;
const SEGMENT_BYTES = 8_000;
const WAIT_MS = 30_000;
const NEVER = Number.POSITIVE_INFINITY;
const CHECKPOINT = 'cleaner-offset-checkpoint';
/** Tombstones that stay, and ones that go in the next round. */
const TOPICS = [
  { name: 'kept', seed: 1, deleteRetentionMs: 86_400_000 },
  { name: 'gone', seed: 2, deleteRetentionMs: 0 },
];
type Topic = (typeof TOPICS)[number];

export const cleanerClient: CompatClient = {
  name: 'cleaner',
  standsAlone: true,
  install: () => void installKafka(),
  checks: [{ name: 'compaction leaves the batches that Apache Kafka’s leaves', run: compare }],
};

async function compare(): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'meridian-cleaner-'));
  const [theirs, ours] = [join(root, 'theirs'), join(root, 'ours')];
  try {
    await byKafka(theirs, createTopics);
    mkdirSync(ours);
    for (const { name } of TOPICS) cpSync(join(theirs, `${name}-0`), join(ours, `${name}-0`), { recursive: true });
    const workloads = TOPICS.map(({ seed }) => new CleanerWorkload(new SeededRandom(seed)));
    let cleanedEnds = TOPICS.map(() => 0);
    for (let round = 1; round <= ROUNDS; round++) {
      const batches = workloads.map((workload) => workload.batches(BATCHES));
      await appendTo(theirs, batches);
      await appendTo(ours, batches);
      await byKafka(theirs, () => untilCleaned(theirs));
      cleanedEnds = await clean(ours, cleanedEnds);
      for (const [index, left] of (await leftIn(theirs)).entries()) {
        const title = `${TOPICS[index]!.name}, round ${round}`;
        const mine = (await leftIn(ours))[index]!;
        assert.ok(mine.length > 20 && mine.length < BATCHES * round, `${title}: ${mine.length} batches are left`);
        assert.deepEqual(mine, left, title);
      }
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function byKafka(folder: string, run: () => Promise<void>): Promise<void> {
  const properties = { 'log.cleaner.backoff.ms': 50, 'log.retention.check.interval.ms': 100_000 };
  const kafka = await startKafka({ port: PORT, folder, properties });
  try {
    await run();
  } finally {
    await kafka.stop();
  }
}

async function createTopics(): Promise<void> {
  for (const { name, deleteRetentionMs } of TOPICS) {
    const make = ['--bootstrap-server', `127.0.0.1:${PORT}`, '--create', '--topic', name, '--partitions', '1'];
    const configs = [
      'cleanup.policy=compact',
      'min.cleanable.dirty.ratio=0',
      `delete.retention.ms=${deleteRetentionMs}`,
    ];
    await kafkaTool('org.apache.kafka.tools.TopicCommand', [...make, ...configs.flatMap((pair) => ['--config', pair])]);
  }
}

/** Until the checkpoint says of every topic that all but its active segment is clean. */
async function untilCleaned(folder: string): Promise<void> {
  const path = join(folder, CHECKPOINT);
  const wanted = activeSegments(folder).map(({ name, active }) => `${name} 0 ${active}`);
  for (const limit = Date.now() + WAIT_MS; ; await sleep(50)) {
    const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
    if (wanted.every((line) => lines.includes(line))) return;
    assert.ok(Date.now() < limit, `Apache Kafka has not compacted up to ${wanted}:\n${lines.join('\n')}`);
  }
}

/** The active segments' base offsets; the folder is only looked at. */
function activeSegments(folder: string): { name: string; active: number }[] {
  const io = createRealIo();
  return TOPICS.map(({ name }) => {
    const logs = io.disk.list(join(folder, `${name}-0`)).filter((file) => /^\d{20}\.log$/.test(file));
    return { name, active: Math.max(...logs.map((file) => Number.parseInt(file, 10))) };
  });
}

/** Every topic's log, opened as after a clean stop, and left as one. */
async function withLogs<T>(
  folder: string,
  run: (log: Log, topic: Topic, index: number) => Promise<T> | T,
): Promise<T[]> {
  const io = createRealIo();
  const mark = join(folder, '.kafka_cleanshutdown');
  const brokerEpoch = existsSync(mark) ? JSON.parse(readFileSync(mark, 'utf8')).brokerEpoch : undefined;
  const dir: LogDir = openLogDir({ io, path: folder });
  const results: T[] = [];
  for (const [index, topic] of TOPICS.entries()) {
    const options = { marks: dir.partition(topic.name, 0), filePool: dir.filePool };
    const log = openLog({ io, folder: join(folder, `${topic.name}-0`), ...options });
    assert.equal(log.recoveredDamage, undefined);
    results.push(await run(log, topic, index));
    await log.close(true);
  }
  dir.close(true, brokerEpoch);
  return results;
}

/** In small segments; both copies get the same bytes. */
async function appendTo(folder: string, batches: readonly (readonly Buffer[])[]): Promise<void> {
  await withLogs(folder, async (log, _, index) => {
    log.configure({ segmentBytes: SEGMENT_BYTES });
    for (const batch of batches[index]!) log.append([Buffer.from(batch)], 1);
    log.committed(log.endOffset);
    await log.flush();
  });
}

/** Returns how far each topic is clean; `from`: how far it was. */
function clean(folder: string, from: readonly number[]): Promise<number[]> {
  return withLogs(folder, async (log, { deleteRetentionMs }, index) => {
    log.committed(log.endOffset);
    log.compaction.cleanedEnd = from[index]!;
    const ages = { minCompactionLagMs: 0, maxCompactionLagMs: NEVER, deleteRetentionMs };
    const { cleanedEnd, isComplete } = await log.compaction.run({ nowMs: Date.now(), maxOffset: NEVER, ...ages });
    assert.ok(isComplete);
    return cleanedEnd;
  });
}

/** What a reader, and the next cleaner, can tell about every batch. A horizon is a time of its own on either side. */
function leftIn(folder: string): Promise<object[][]> {
  return withLogs(folder, (log) => {
    const left: object[] = [];
    for (let offset = log.startOffset; offset < log.endOffset; ) {
      const slice = log.read(offset, { maxBytes: 1_000_000, minOneBatch: true });
      for (const { bytes } of slice.buffers.flatMap((buffer) => [...iterateBatches(buffer)])) left.push(seen(bytes));
      offset = slice.nextOffset;
    }
    return left;
  });
}

function seen(bytes: Uint8Array): object {
  const header = readBatchHeader(bytes);
  const { baseOffset, lastOffset, attributes, producerId, producerEpoch, baseSequence, maxTimestamp } = header;
  const records = [...readRecords(bytes, { decompress })].map(({ offset, timestamp, key, value, headers }) => [
    offset,
    timestamp,
    key && Buffer.from(key).toString(),
    value && Buffer.from(value).toString('base64'),
    headers.map((each) => each.key),
  ]);
  const hasHorizon = deleteHorizonMs(header) !== undefined;
  return {
    baseOffset,
    lastOffset,
    attributes,
    hasHorizon,
    producerId,
    producerEpoch,
    baseSequence,
    maxTimestamp,
    records,
  };
}
