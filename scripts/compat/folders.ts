/**
 * Folders that change hands: Apache Kafka writes partitions and stops, our log opens them after that clean stop, reads
 * every batch and goes on writing (several segments, a transaction that is aborted), `DumpLogSegments` looks over what
 * both have written, and Kafka starts on it again and serves all of it.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRealIo } from '@meridian/io/real';
import { type Log, openLog, openLogDir } from '@meridian/log';
import { iterateBatches, readRecords, writeBatch } from '@meridian/protocol/record-batch';
import { installKafka, kafkaTool, startKafka } from '../peers/kafka.ts';
import type { CompatClient } from './compat-client.ts';

const PORT = 31_092;
const TOPIC = 'orders';
const FOLDER = `${TOPIC}-0`;
const BOOTSTRAP = ['--bootstrap-server', `127.0.0.1:${PORT}`];
const THEIRS = 300;
const OURS = 200;
const SMALL_SEGMENTS = { segmentBytes: 4_000, indexIntervalBytes: 500 };
const EXAMINED = /\.(log|index|timeindex|txnindex|snapshot)$/;
const COMPLAINTS = /Found|mismatch|corrupt|invalid|isvalid: false|Could not|Exception/i;

export const foldersClient: CompatClient = {
  name: 'folders',
  install: () => void installKafka(),
  checks: [
    { name: 'Apache Kafka’s log dir is read and written on, and Kafka starts on what came of it', run: exchange },
  ],
};

async function exchange(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-folders-'));
  try {
    await byKafka(folder, async () => {
      const make = ['--create', '--topic', TOPIC, '--partitions', '1', '--config', 'segment.index.bytes=4096'];
      await kafkaTool('org.apache.kafka.tools.TopicCommand', [...BOOTSTRAP, ...make]);
      const lines = Array.from({ length: THEIRS }, (_, n) => `theirs ${n}\n`).join('');
      await kafkaTool('org.apache.kafka.tools.ConsoleProducer', [...BOOTSTRAP, '--topic', TOPIC], { input: lines });
    });
    await writeOn(folder);
    await dump(join(folder, FOLDER));
    const expected = [...values('theirs', THEIRS), ...values('ours', OURS)];
    await byKafka(folder, async () => {
      assert.deepEqual(await consume('read_committed', expected.length), expected);
      const all = await consume('read_uncommitted', expected.length + 1);
      assert.deepEqual(all, [...expected, 'aborted']);
    });
    assert.ok(readdirSync(folder).includes('.kafka_cleanshutdown'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function byKafka(folder: string, run: () => Promise<void>): Promise<void> {
  const kafka = await startKafka({ port: PORT, folder });
  try {
    await run();
    const damage = kafka.output.filter((line) =>
      /corrupt|recovering unflushed|not shut down cleanly|ERROR/i.test(line),
    );
    assert.deepEqual(damage, []);
  } finally {
    await kafka.stop();
  }
}

/** Opens the partition as a broker of ours does after a clean stop, and leaves it as one. */
async function writeOn(folder: string): Promise<void> {
  const io = createRealIo();
  const brokerEpoch = JSON.parse(readFileSync(join(folder, '.kafka_cleanshutdown'), 'utf8')).brokerEpoch;
  const dir = openLogDir({ io, path: folder });
  assert.ok(dir.wasClean);
  const marks = dir.partition(TOPIC, 0);
  const log = openLog({ io, folder: join(folder, FOLDER), config: SMALL_SEGMENTS, marks, filePool: dir.filePool });
  assert.equal(log.recoveredDamage, undefined);
  assert.deepEqual(stored(log), values('theirs', THEIRS));
  assert.ok([...log.producers.active()].length > 0, 'the producer of Kafka’s snapshot is known');
  const epoch = log.epochs.latestEpoch;
  assert.ok(epoch >= 0);
  for (const value of values('ours', OURS)) log.append([batch(log.endOffset, value)], epoch);
  const producer = { producerId: 4_711, producerEpoch: 0, transactional: true };
  log.append([batch(log.endOffset, 'aborted', { ...producer, baseSequence: 0 })], epoch);
  const marker = { key: Buffer.from([0, 0, 0, 0]), value: Buffer.from([0, 0, 0, 0, 0, 0]), timestamp: Date.now() };
  const control = writeBatch({ baseOffset: log.endOffset, records: [marker], ...producer, control: true });
  log.append([Buffer.from(control)], epoch);
  log.committed(log.endOffset);
  await log.close(true);
  // The other partitions of this folder are as they were: their marks have been read and are written back.
  dir.close(true, brokerEpoch);
}

function batch(baseOffset: number, value: string, extras: object = {}): Buffer {
  const records = [{ timestamp: Date.now(), value: Buffer.from(value) }];
  return Buffer.from(writeBatch({ baseOffset, records, ...extras }));
}

function stored(log: Log): string[] {
  const found: string[] = [];
  for (let offset = log.startOffset; offset < log.endOffset; ) {
    const slice = log.read(offset, { maxBytes: 100_000, minOneBatch: true });
    for (const view of slice.buffers.flatMap((buffer) => [...iterateBatches(buffer)])) {
      for (const { value } of readRecords(view.bytes)) found.push(Buffer.from(value ?? []).toString());
    }
    offset = slice.nextOffset;
  }
  return found;
}

async function dump(folder: string): Promise<void> {
  const names = readdirSync(folder).filter((name) => EXAMINED.test(name));
  for (const kind of ['.log', '.index', '.timeindex', '.txnindex', '.snapshot']) {
    assert.ok(names.filter((name) => name.endsWith(kind)).length > (kind === '.txnindex' ? 0 : 2), kind);
  }
  const files = names.map((name) => join(folder, name)).join(',');
  const shown = await kafkaTool('org.apache.kafka.tools.DumpLogSegments', ['--files', files, '--deep-iteration']);
  assert.deepEqual(
    shown.split('\n').filter((line) => COMPLAINTS.test(line)),
    [],
  );
  assert.match(shown, /producerId: 4711 producerEpoch: 0/);
  assert.match(shown, /endTxnMarker: ABORT/);
}

async function consume(isolation: string, count: number): Promise<string[]> {
  const place = ['--topic', TOPIC, '--partition', '0', '--offset', 'earliest', '--max-messages', String(count)];
  const args = [...BOOTSTRAP, ...place, '--isolation-level', isolation, '--timeout-ms', '20000'];
  return (await kafkaTool('org.apache.kafka.tools.consumer.ConsoleConsumer', args)).trimEnd().split('\n');
}

const values = (whose: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${whose} ${n}`);
