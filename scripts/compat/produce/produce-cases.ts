/**
 * Batches, good and bad, and the topics that they are sent to: what `produce.ts` sends to Meridian and to Apache Kafka
 * alike. Invariant: a case is the same bytes for both.
 */
import { compress, nativeCrc32c } from '@meridian/protocol';
import {
  ATTRIBUTE,
  BATCH_FIELD,
  BATCH_HEADER_BYTES,
  type Codec,
  type NewRecord,
  type WriteBatchOptions,
  writeBatch,
} from '@meridian/protocol/record-batch';

/** Topics by name, with their configs. */
export const TOPICS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  plain: {},
  uncompressed: { 'compression.type': 'uncompressed' },
  gzip: { 'compression.type': 'gzip', 'compression.gzip.level': '1' },
  snappy: { 'compression.type': 'snappy' },
  lz4: { 'compression.type': 'lz4', 'compression.lz4.level': '17' },
  zstd: { 'compression.type': 'zstd', 'compression.zstd.level': '7' },
  appended: { 'message.timestamp.type': 'LogAppendTime' },
  'appended-gzip': { 'message.timestamp.type': 'LogAppendTime', 'compression.type': 'gzip' },
  compacted: { 'cleanup.policy': 'compact' },
  'compacted-gzip': { 'cleanup.policy': 'compact', 'compression.type': 'gzip' },
  bounded: { 'message.timestamp.before.max.ms': '60000', 'message.timestamp.after.max.ms': '60000' },
  'bounded-zstd': { 'message.timestamp.before.max.ms': '60000', 'compression.type': 'zstd' },
  'bounded-compacted': { 'cleanup.policy': 'compact', 'message.timestamp.before.max.ms': '60000' },
  small: { 'max.message.bytes': '1000' },
  'small-uncompressed': { 'max.message.bytes': '1000', 'compression.type': 'uncompressed' },
  'small-gzip': { 'max.message.bytes': '1000', 'compression.type': 'gzip' },
  'small-segments': { 'internal.segment.bytes': '1000' },
};

export interface ProduceCase {
  readonly name: string;
  readonly topic: keyof typeof TOPICS;
  /** Of Produce. */
  readonly version?: number;
  /** All that the `records` field holds. */
  make(nowMs: number): Buffer;
}

const CODECS: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const PACKED: readonly Codec[] = ['gzip', 'snappy', 'lz4', 'zstd'];

const record = (nowMs: number, value: string, more: Partial<NewRecord> = {}): NewRecord => ({
  timestamp: nowMs,
  key: Buffer.from('key'),
  value: Buffer.from(value),
  ...more,
});

const batch = (records: readonly NewRecord[], options: Partial<WriteBatchOptions> = {}): Buffer =>
  Buffer.from(writeBatch({ records, compress, crc: nativeCrc32c, ...options }));

const three = (nowMs: number, options: Partial<WriteBatchOptions> = {}): Buffer =>
  batch(
    ['one', 'two', 'three'].map((value, n) => record(nowMs, value, { timestamp: nowMs - 10 + 5 * (n % 2) })),
    options,
  );

/** Changed, with a checksum that holds again. */
function sealed(bytes: Buffer, change: (bytes: Buffer) => unknown): Buffer {
  change(bytes);
  bytes.writeUInt32BE(nativeCrc32c(bytes, BATCH_FIELD.attributes, bytes.length), BATCH_FIELD.crc);
  return bytes;
}

/** Other records behind the header of a good batch. */
function withRecords(
  nowMs: number,
  codec: Codec,
  plain: Buffer,
  change: (bytes: Buffer) => unknown = () => {},
): Buffer {
  const packed = codec === 'none' ? plain : Buffer.from(compress(codec, plain));
  return withPacked(nowMs, codec, packed, change);
}

function withPacked(
  nowMs: number,
  codec: Codec,
  packed: Buffer,
  change: (bytes: Buffer) => unknown = () => {},
): Buffer {
  const bytes = Buffer.concat([three(nowMs).subarray(0, BATCH_HEADER_BYTES), packed]);
  bytes.writeInt32BE(bytes.length - 12, BATCH_FIELD.batchLength);
  bytes.writeInt16BE(CODECS.indexOf(codec), BATCH_FIELD.attributes);
  return sealed(bytes, change);
}

const plainOf = (records: readonly NewRecord[]): Buffer => batch(records).subarray(BATCH_HEADER_BYTES);
const flags = (bits: number) => (bytes: Buffer) =>
  bytes.writeInt16BE(bytes.readInt16BE(BATCH_FIELD.attributes) | bits, BATCH_FIELD.attributes);
const counts =
  (count: number, lastOffsetDelta = count - 1) =>
  (bytes: Buffer) => {
    bytes.writeInt32BE(count, BATCH_FIELD.recordCount);
    bytes.writeInt32BE(lastOffsetDelta, BATCH_FIELD.lastOffsetDelta);
  };

const mixed = (nowMs: number, options: Partial<WriteBatchOptions> = {}): Buffer =>
  batch(
    [
      record(nowMs, 'first', { headers: [{ key: 'h', value: Buffer.from('v') }] }),
      record(nowMs, 'second', { timestamp: nowMs - 5_000, key: null }),
      record(nowMs, 'third', { timestamp: nowMs + 2_000, value: null, headers: [{ key: 'n', value: null }] }),
      record(nowMs, 'x'.repeat(300), { timestamp: nowMs + 2_000 }),
    ],
    options,
  );

const recompressed: ProduceCase[] = Object.keys(TOPICS)
  .filter((topic) =>
    ['plain', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd', 'appended', 'appended-gzip'].includes(topic),
  )
  .flatMap((topic) =>
    CODECS.map((codec) => ({ name: `${codec} to ${topic}`, topic, make: (nowMs: number) => mixed(nowMs, { codec }) })),
  );

const producers: ProduceCase[] = ['plain', 'gzip'].flatMap((topic) => {
  const of = (name: string, options: Partial<WriteBatchOptions>, change?: (bytes: Buffer) => unknown): ProduceCase => ({
    name: `${name}, to ${topic}`,
    topic,
    make: (nowMs) => (change ? sealed(three(nowMs, options), change) : three(nowMs, options)),
  });
  return [
    of('a producer’s first batch', { producerId: 900, producerEpoch: 0, baseSequence: 0 }),
    of('its second', { producerId: 900, producerEpoch: 0, baseSequence: 3 }),
    of('the first again', { producerId: 900, producerEpoch: 0, baseSequence: 0 }),
    of('a leap of sequences', { producerId: 900, producerEpoch: 0, baseSequence: 9 }),
    of('a new epoch from the middle', { producerId: 900, producerEpoch: 1, baseSequence: 2 }),
    of('a new epoch', { producerId: 900, producerEpoch: 1, baseSequence: 0 }),
    of('the old epoch', { producerId: 900, producerEpoch: 0, baseSequence: 6 }),
    of('an unknown producer from the middle', { producerId: 901, producerEpoch: 3, baseSequence: 77 }),
    of('sequences that begin anew', { producerId: 902, producerEpoch: 0, baseSequence: 2_147_483_646 }),
    of('and go on behind', { producerId: 902, producerEpoch: 0, baseSequence: 1 }),
    of('a producer without a sequence', { producerId: 903, producerEpoch: 0 }),
    of('a producer without an epoch', { producerId: 904, baseSequence: 0 }),
    of('a producer of epoch -5', { producerId: 905, producerEpoch: -5, baseSequence: 0 }),
    of('a sequence without a producer', { baseSequence: 5 }),
    of('an epoch without a producer', { producerEpoch: 5 }),
    of('producer -2', { producerId: -2, producerEpoch: 0, baseSequence: 0 }),
    of(
      'a transaction without an id',
      { producerId: 906, producerEpoch: 0, baseSequence: 0 },
      flags(ATTRIBUTE.transactional),
    ),
    of('a delete horizon', {}, flags(ATTRIBUTE.deleteHorizon)),
    of('unknown attributes', {}, flags(0x4000)),
    of('a leader epoch of its own', { leaderEpoch: 77 }),
  ];
});

const headers: ProduceCase[] = [
  { name: 'no bytes', topic: 'plain', make: () => Buffer.alloc(0) },
  { name: 'four bytes', topic: 'plain', make: () => Buffer.alloc(4) },
  { name: 'sixteen bytes', topic: 'plain', make: () => Buffer.alloc(16) },
  { name: 'a hundred zeros', topic: 'plain', make: () => Buffer.alloc(100) },
  { name: 'a hundred bytes of ff', topic: 'plain', make: () => Buffer.alloc(100, 0xff) },
  { name: 'half a batch', topic: 'plain', make: (now) => three(now).subarray(0, 80) },
  { name: 'a header alone', topic: 'plain', make: (now) => three(now).subarray(0, 61) },
  { name: 'a byte less', topic: 'plain', make: (now) => three(now).subarray(0, -1) },
  { name: 'a byte more', topic: 'plain', make: (now) => Buffer.concat([three(now), Buffer.alloc(1)]) },
  { name: 'twenty bytes more', topic: 'plain', make: (now) => Buffer.concat([three(now), Buffer.alloc(20)]) },
  { name: 'two batches', topic: 'plain', make: (now) => Buffer.concat([three(now), three(now)]) },
  { name: 'one and a half', topic: 'plain', make: (now) => Buffer.concat([three(now), three(now).subarray(0, 70)]) },
  {
    name: 'a batch and a broken one',
    topic: 'plain',
    make: (now) => Buffer.concat([three(now), Buffer.alloc(70, 0xff)]),
  },
  { name: 'magic 0', topic: 'plain', make: (now) => sealed(three(now), (b) => b.writeInt8(0, BATCH_FIELD.magic)) },
  { name: 'magic 1', topic: 'plain', make: (now) => sealed(three(now), (b) => b.writeInt8(1, BATCH_FIELD.magic)) },
  { name: 'magic 3', topic: 'plain', make: (now) => sealed(three(now), (b) => b.writeInt8(3, BATCH_FIELD.magic)) },
  { name: 'magic -1', topic: 'plain', make: (now) => sealed(three(now), (b) => b.writeInt8(-1, BATCH_FIELD.magic)) },
  { name: 'a wrong checksum', topic: 'plain', make: (now) => flip(three(now), BATCH_FIELD.crc) },
  { name: 'a flipped record', topic: 'plain', make: (now) => flip(three(now), 70) },
  {
    name: 'a length of -1',
    topic: 'plain',
    make: (now) => sealed(three(now), (b) => b.writeInt32BE(-1, BATCH_FIELD.batchLength)),
  },
  { name: 'a length of 20', topic: 'plain', make: (now) => cut(three(now), 20) },
  { name: 'a length of 48', topic: 'plain', make: (now) => cut(three(now), 48) },
  { name: 'a length without records', topic: 'plain', make: (now) => sealed(cut(three(now), 49), () => {}) },
  {
    name: 'a length of 2^31-1',
    topic: 'plain',
    make: (now) => sealed(three(now), (b) => b.writeInt32BE(2 ** 31 - 1, BATCH_FIELD.batchLength)),
  },
  { name: 'base offset 7', topic: 'plain', make: (now) => three(now, { baseOffset: 7 }) },
  {
    name: 'base offset -1',
    topic: 'plain',
    make: (now) => sealed(three(now), (b) => b.writeBigInt64BE(-1n, BATCH_FIELD.baseOffset)),
  },
  { name: 'one record more', topic: 'plain', make: (now) => sealed(three(now), counts(4)) },
  { name: 'one record less', topic: 'plain', make: (now) => sealed(three(now), counts(2)) },
  { name: 'a count of 2 in 3 offsets', topic: 'plain', make: (now) => sealed(three(now), counts(2, 2)) },
  { name: 'a count of 3 in 10 offsets', topic: 'plain', make: (now) => sealed(three(now), counts(3, 9)) },
  { name: 'a count of 0', topic: 'plain', make: (now) => sealed(three(now), counts(0, 2)) },
  { name: 'a count of -1', topic: 'plain', make: (now) => sealed(three(now), counts(-1, 2)) },
  { name: 'a last offset of -1', topic: 'plain', make: (now) => sealed(three(now), counts(3, -1)) },
  { name: 'no records', topic: 'plain', make: (now) => withRecords(now, 'none', Buffer.alloc(0), counts(0, 0)) },
  { name: '2^31-1 records', topic: 'plain', make: (now) => sealed(three(now), counts(2 ** 31 - 1)) },
  { name: 'a control batch', topic: 'plain', make: (now) => sealed(three(now), flags(ATTRIBUTE.control)) },
  { name: 'a control batch, to gzip', topic: 'gzip', make: (now) => sealed(three(now), flags(ATTRIBUTE.control)) },
  { name: 'LogAppendTime', topic: 'plain', make: (now) => sealed(three(now), flags(ATTRIBUTE.logAppendTime)) },
  { name: 'LogAppendTime, to gzip', topic: 'gzip', make: (now) => sealed(three(now), flags(ATTRIBUTE.logAppendTime)) },
  {
    name: 'LogAppendTime to such a topic',
    topic: 'appended',
    make: (now) => sealed(three(now), flags(ATTRIBUTE.logAppendTime)),
  },
  { name: 'codec 5', topic: 'plain', make: (now) => sealed(three(now), flags(5)) },
  { name: 'codec 7', topic: 'gzip', make: (now) => sealed(three(now), flags(7)) },
  { name: 'zstd by Produce v6', topic: 'plain', version: 6, make: (now) => three(now, { codec: 'zstd' }) },
  { name: 'zstd by Produce v6, to gzip', topic: 'gzip', version: 6, make: (now) => three(now, { codec: 'zstd' }) },
  { name: 'zstd by Produce v7', topic: 'plain', version: 7, make: (now) => three(now, { codec: 'zstd' }) },
  { name: 'gzip by Produce v3, to zstd', topic: 'zstd', version: 3, make: (now) => three(now, { codec: 'gzip' }) },
  {
    name: 'two batches by Produce v3',
    topic: 'plain',
    version: 3,
    make: (now) => Buffer.concat([three(now), three(now)]),
  },
];

function flip(bytes: Buffer, at: number): Buffer {
  bytes[at]! ^= 0xff;
  return bytes;
}

function cut(bytes: Buffer, batchLength: number): Buffer {
  const shorter = bytes.subarray(0, Math.max(17, batchLength + 12));
  shorter.writeInt32BE(batchLength, BATCH_FIELD.batchLength);
  return shorter;
}

/** Varint record of Kafka, built by hand: length, attributes, timestamp delta, offset delta, key, value, headers. */
const RECORD = Buffer.from([0x0e, 0, 0, 0, 1, 1, 0]);

const bodies: ProduceCase[] = ['plain', 'gzip'].flatMap((topic) =>
  (['none', 'gzip', 'lz4'] as const).flatMap((codec): ProduceCase[] => {
    const of = (name: string, make: (nowMs: number) => Buffer): ProduceCase => ({
      name: `${name}, ${codec} to ${topic}`,
      topic,
      make,
    });
    const deltas = (list: readonly number[]) => (now: number) =>
      withRecords(now, codec, plainOf(list.map((offsetDelta) => record(now, `at ${offsetDelta}`, { offsetDelta }))));
    const bytes =
      (plain: readonly number[], count = 1) =>
      (now: number) =>
        withRecords(now, codec, Buffer.from(plain), counts(count));
    return [
      of('offset deltas 0 0 0', deltas([0, 0, 0])),
      of('offset deltas 0 2 4', deltas([0, 2, 4])),
      of('offset deltas 2 1 0', deltas([2, 1, 0])),
      of('offset deltas 1 2 3', deltas([1, 2, 3])),
      of('one record more', (now) => sealed(three(now, { codec }), counts(4))),
      of('one record less', (now) => sealed(three(now, { codec }), counts(2))),
      of('a million records', (now) => sealed(three(now, { codec }), counts(1_000_000))),
      of('a record of seven bytes', bytes([0x0c, 0, 0, 0, 1, 1, 0])),
      of('a record length that runs over', bytes([0x7e, 0, 0, 0, 1, 1, 0])),
      of('a record length of -1', bytes([0x01, 0, 0, 0, 1, 1, 0])),
      of('a record length of 0', bytes([0x00, 0, 0, 0, 1, 1, 0])),
      of('a record shorter than it says', bytes([...RECORD, 0])),
      of('a key length of -2', bytes([0x0c, 0, 0, 0, 3, 1, 0])),
      of('a key that runs over', bytes([0x0c, 0, 0, 0, 0x7e, 1, 0])),
      of('a value length of -2', bytes([0x0c, 0, 0, 0, 1, 3, 0])),
      of('a headers count of -1', bytes([0x0c, 0, 0, 0, 1, 1, 1])),
      of('a header without a key', bytes([0x10, 0, 0, 0, 1, 1, 2, 1, 1])),
      of('bytes behind the last record', bytes([0x0c, 0, 0, 0, 1, 1, 0, 9, 9])),
      of('record attributes', bytes([0x0c, 0x7f, 0, 0, 1, 1, 0])),
      of('a varint of eleven bytes', bytes([0x20, 0, ...Array(10).fill(0x80), 1, 0, 1, 1, 0])),
      of('a largest timestamp that lies', (now) =>
        sealed(three(now, { codec }), (b) => b.writeBigInt64BE(BigInt(now + 999), BATCH_FIELD.maxTimestamp)),
      ),
      of('a base timestamp of -1', (now) =>
        batch([record(now, 'a', { timestamp: -1 }), record(now, 'b', { timestamp: -1 })], { codec }),
      ),
      of('a base timestamp of 2^63-1', (now) =>
        sealed(three(now, { codec }), (b) => b.writeBigInt64BE(2n ** 63n - 1n, BATCH_FIELD.baseTimestamp)),
      ),
      of('a base timestamp of -2^63', (now) =>
        sealed(three(now, { codec }), (b) => b.writeBigInt64BE(-(2n ** 63n), BATCH_FIELD.baseTimestamp)),
      ),
      of('a largest timestamp of 2^63-1', (now) =>
        sealed(three(now, { codec }), (b) => b.writeBigInt64BE(2n ** 63n - 1n, BATCH_FIELD.maxTimestamp)),
      ),
      of('two hours ahead', (now) => three(now + 7_200_000, { codec })),
    ];
  }),
);

const compression: ProduceCase[] = ['plain', 'uncompressed', 'snappy'].flatMap((topic) =>
  PACKED.flatMap((codec): ProduceCase[] => [
    { name: `rubbish as ${codec} to ${topic}`, topic, make: (now) => withPacked(now, codec, Buffer.alloc(64, 0x5a)) },
    { name: `nothing as ${codec} to ${topic}`, topic, make: (now) => withPacked(now, codec, Buffer.alloc(0)) },
    {
      name: `${codec} cut short to ${topic}`,
      topic,
      make: (now) => {
        const packed = Buffer.from(compress(codec, plainOf([0, 1, 2].map(() => record(now, 'abc'.repeat(100))))));
        return withPacked(now, codec, packed.subarray(0, packed.length - 9));
      },
    },
    {
      name: `${codec} with bytes behind to ${topic}`,
      topic,
      make: (now) => {
        const plain = plainOf(['one', 'two', 'three'].map((value) => record(now, value)));
        return withPacked(now, codec, Buffer.concat([Buffer.from(compress(codec, plain)), Buffer.alloc(12, 0x77)]));
      },
    },
  ]),
);

const settings: ProduceCase[] = [
  ...['compacted', 'compacted-gzip'].flatMap((topic) =>
    (['none', 'gzip'] as const).map((codec) => ({
      name: `null keys, ${codec} to ${topic}`,
      topic,
      make: (now: number) => mixed(now, { codec }),
    })),
  ),
  ...['bounded', 'bounded-zstd', 'bounded-compacted'].flatMap((topic) =>
    (['none', 'gzip'] as const).flatMap((codec) =>
      [-60_500, -59_000, 59_000, 90_000].map((by) => ({
        name: `a record of ${by} ms, ${codec} to ${topic}`,
        topic,
        make: (now: number) =>
          batch(
            [record(now, 'now'), record(now, 'then', { timestamp: now + by }), record(now, 'no key', { key: null })],
            { codec },
          ),
      })),
    ),
  ),
  ...['small', 'small-uncompressed', 'small-gzip', 'small-segments'].flatMap((topic) =>
    (['none', 'gzip'] as const).map((codec) => ({
      name: `2000 bytes, ${codec} to ${topic}`,
      topic,
      make: (now: number) => batch([record(now, 'y'.repeat(2_000))], { codec }),
    })),
  ),
];

export const CASES: readonly ProduceCase[] = [
  ...recompressed,
  ...producers,
  ...headers,
  ...bodies,
  ...compression,
  ...settings,
];
