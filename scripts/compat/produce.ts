/**
 * What becomes of produced batches: librdkafka's and Java's producers with every codec write to topics of every
 * `compression.type`, and both read them back; then the batches of `produce/produce-cases.ts`, good and bad, go to Meridian and to
 * Apache Kafka, which must answer alike and store alike.
 */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { CreateTopics, decompress, Fetch, Produce, type ResponseOf, ZERO_UUID } from '@meridian/protocol';
import { iterateBatches, readRecords } from '@meridian/protocol/record-batch';
import type { LocalPlatform } from '../../apps/meridian/src/testing/local-platform.ts';
import { type BrokerConnection, CLOSED, SILENT } from '../differential/broker-connection.ts';
import { withBrokers } from '../differential/brokers.ts';
import { Side } from '../differential/side.ts';
import { installKafka, kafkaTool } from '../peers/kafka.ts';
import { type CompatClient, installDebian, runTool } from './compat-client.ts';
import { type Outcome, whyMeant } from './produce/meant-differences.ts';
import { CASES, type ProduceCase, TOPICS } from './produce/produce-cases.ts';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const TYPES = ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'];
const RECORDS = 20;
const LIMITS = { maxWaitMs: 0, minBytes: 0, maxBytes: 10_000_000, sessionEpoch: -1 };
const PRODUCE_VERSION = 9;

export const produceClient: CompatClient = {
  name: 'produce',
  install: () => {
    installKafka();
    installDebian('kcat', 'kcat');
  },
  checks: [
    { name: 'every codec of librdkafka’s and Java’s, in topics of every compression.type', run: everyCodec },
    { name: 'batches good and bad are answered and stored as Apache Kafka does', run: sideBySide },
  ],
};

async function everyCodec(platform: LocalPlatform): Promise<void> {
  const kafka = platform.kafka('us-east');
  const side = new Side('Meridian', Number(kafka.split(':')[1]));
  const topicOf = (type: string) => `acme.packed-${type}`;
  await createTopics(side, Object.fromEntries(TYPES.map((type) => [topicOf(type), { 'compression.type': type }])));
  side.end();
  const linesOf = (codec: string) => Array.from({ length: RECORDS }, (_, n) => `${codec} ${n}${' again'.repeat(20)}`);
  for (const type of TYPES) {
    for (const codec of CODECS) {
      await runTool('kcat', ['-b', kafka, '-t', topicOf(type), '-P', '-z', codec], `${linesOf(codec).join('\n')}\n`);
    }
  }
  const java = ['lz4', 'zstd'].map((type) =>
    kafkaTool(
      'org.apache.kafka.tools.ConsoleProducer',
      ['--bootstrap-server', kafka, '--topic', topicOf(type), '--compression-codec', 'gzip'],
      { input: `${linesOf('java').join('\n')}\n` },
    ),
  );
  await Promise.all(java);
  const sent = CODECS.flatMap(linesOf);
  const expected = TYPES.flatMap((type) => (['lz4', 'zstd'].includes(type) ? [...sent, ...linesOf('java')] : sent));
  for (const type of TYPES) {
    const read = await runTool('kcat', ['-b', kafka, '-C', '-t', topicOf(type), '-e', '-q', '-o', 'beginning']);
    assert.deepEqual(read.toString().trimEnd().split('\n').slice(0, sent.length), sent, type);
  }
  const all = ['--bootstrap-server', kafka, '--include', 'acme.packed-.*', '--from-beginning', '--timeout-ms', '20000'];
  const consumed = await kafkaTool('org.apache.kafka.tools.consumer.ConsoleConsumer', [
    ...all,
    '--max-messages',
    String(expected.length),
  ]);
  assert.deepEqual(consumed.trimEnd().split('\n').sort(), [...expected].sort());
  await dumpShowsCodecs(platform.data, topicOf);
}

async function dumpShowsCodecs(data: string, topicOf: (type: string) => string): Promise<void> {
  const files = globSync(`${data}/**/${topicOf('*')}-0/*.log`);
  // The copies in the other region are among them, and have the bytes of their origin.
  assert.ok(files.length >= TYPES.length, `${files.length} logs`);
  const shown = await kafkaTool('org.apache.kafka.tools.DumpLogSegments', ['--files', files.join(',')]);
  for (const part of shown.split('Dumping ').slice(1)) {
    const type = basename(dirname(String(part.split('\n')[0]).trim())).replace(/.*packed-(.*)-0$/, '$1');
    const found = new Set(Array.from(part.matchAll(/compresscodec: (\w+)/g), ([, codec]) => String(codec)));
    const expected: readonly string[] = type === 'producer' ? CODECS : [type === 'uncompressed' ? 'none' : type];
    assert.deepEqual([...found].sort(), [...expected].sort(), type);
  }
}

type Connection = Pick<BrokerConnection, 'end'> & Pick<Side, 'request' | 'name'>;

async function createTopics(
  side: Connection,
  topics: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Promise<void> {
  const request = Object.entries(topics).map(([name, configs]) => ({
    name,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  }));
  const answer = await answered(side, side.request(CreateTopics, 7, { topics: request, timeoutMs: 10_000 }));
  for (const { name, errorCode, errorMessage } of answer.topics) {
    assert.equal(errorCode, 0, `${side.name}: ${name}: ${errorMessage}`);
  }
}

async function answered<T>({ name }: Connection, answer: Promise<T | typeof CLOSED | typeof SILENT>): Promise<T> {
  const got = await answer;
  if (got === CLOSED || got === SILENT) throw new Error(`${name} has not answered`);
  return got;
}

async function sideBySide(): Promise<void> {
  await withBrokers({}, async (ports) => {
    const sides = [new Side('Meridian', ports.ours), new Side('Apache Kafka', ports.theirs)];
    for (const side of sides) await createTopics(side, TOPICS);
    for (const side of sides) await untilServed(side);
    const different: unknown[] = [];
    for (const each of CASES) {
      const [ours, theirs] = await Promise.all(sides.map((side) => outcomeOf(side, each)));
      if (whyMeant(each, ours!, theirs!) !== undefined) continue;
      try {
        assert.deepEqual(ours, theirs);
      } catch {
        different.push({ case: each.name, ours, theirs });
      }
    }
    for (const side of sides) side.end();
    assert.deepEqual(different, []);
  });
}

/** Apache Kafka shows topics a while after it has made them. */
async function untilServed(side: Side): Promise<void> {
  for (const topic of Object.keys(TOPICS)) {
    for (let attempt = 0; attempt < 100; attempt++) {
      const { errorCode } = await fetched(side, topic, 0);
      if (errorCode === 0) break;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}

async function fetched(side: Side, topic: string, fetchOffset: number) {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 10_000_000 }];
  const request = { ...LIMITS, topics: [{ topic, topicId: ZERO_UUID, partitions }] };
  const answer = await answered(side, side.request(Fetch, 12, request));
  return answer.responses[0]!.partitions[0]!;
}

async function outcomeOf(side: Side, { topic, version = PRODUCE_VERSION, make }: ProduceCase): Promise<Outcome> {
  const nowMs = Date.now();
  const partitionData = [{ index: 0, records: [make(nowMs)] }];
  const request = { acks: -1, timeoutMs: 5_000, topicData: [{ name: topic, topicId: ZERO_UUID, partitionData }] };
  const answer: ResponseOf<typeof Produce> = await answered(side, side.request(Produce, version, request));
  const part = answer.responses[0]!.partitionResponses[0]!;
  const outcome = {
    errorCode: part.errorCode,
    recordErrors: (part.recordErrors ?? []).map(
      ({ batchIndex, batchIndexErrorMessage }) => `${batchIndex}: ${withoutNumbers(batchIndexErrorMessage ?? '')}`,
    ),
    hasOffset: part.baseOffset >= 0,
    hasLogAppendTime: part.logAppendTimeMs >= 0,
    hasLogStart: part.logStartOffset >= 0,
  };
  if (part.errorCode !== 0) return outcome;
  return { ...outcome, ...storedAt((await fetched(side, topic, part.baseOffset)).records ?? [], nowMs) };
}

const withoutNumbers = (text: string): string => text.replace(/DefaultRecord\([^)]*\)|-?\d+/g, '#');

function storedAt(buffers: readonly Buffer[], nowMs: number): Pick<Outcome, 'stored' | 'records'> {
  const [view] = [...iterateBatches(Buffer.concat(buffers), 'partial')];
  const { header, bytes } = view!;
  const { attributes, lastOffsetDelta, recordCount, producerId, producerEpoch, baseSequence } = header;
  /** In seconds: what the broker stamps comes a little later. */
  const time = (timestamp: number) => (timestamp < 0 ? timestamp : Math.round((timestamp - nowMs) / 1_000));
  const times = [time(header.baseTimestamp), time(header.maxTimestamp)];
  const stored = { attributes, lastOffsetDelta, recordCount, producerId, producerEpoch, baseSequence, times };
  try {
    const records = [...readRecords(bytes, { decompress })].map(({ offset, timestamp, key, value, headers }) => [
      offset - header.baseOffset,
      time(timestamp),
      key && Buffer.from(key).toString(),
      value && Buffer.from(value).toString(),
      headers.map((each) => [each.key, each.value && Buffer.from(each.value).toString()]),
    ]);
    return { stored, records };
  } catch {
    return { stored, records: 'unreadable' };
  }
}
