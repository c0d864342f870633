/**
 * Hostile batches in Produce and hostile metrics in PushTelemetry, on a real broker process: lies in the header and in the
 * records, and bombs of every codec. Each trial has the expectations of `testing/victim.ts` besides its own.
 */
import { zstdCompressSync } from 'node:zlib';
import {
  CreateTopics,
  ERROR,
  encodeRequest,
  GetTelemetrySubscriptions,
  Produce,
  PushTelemetry,
  ZERO_UUID,
} from '@meridian/protocol';
import { crc32c } from '@meridian/protocol/record-batch';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { batchOf, produceOf } from '../testing/batches.ts';
import { BOMBS, SNAPPY_LIE, ZSTD_WINDOW } from '../testing/bombs.ts';
import { MARK, produce, Victim } from '../testing/victim.ts';

const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const RECORD_COUNT_AT = 57;
const HEADER_BYTES = 61;
const HEADER = { correlationId: 1, clientId: 'test' };

let victim: Victim;
beforeAll(async () => {
  victim = await Victim.start();
});
afterAll(() => victim?.broker.stop());

/** Changes a good batch, and makes its checksum right again. */
function forged(change: (batch: Buffer) => void, batch = batchOf([MARK, 'two'])): Buffer {
  change(batch);
  batch.writeUInt32BE(crc32c(batch, ATTRIBUTES_AT, batch.length), CRC_AT);
  return batch;
}

/** A batch that says to be compressed and has these bytes as records. */
function packed(codec: number, payload: Uint8Array): Buffer {
  const batch = Buffer.concat([batchOf(['one']).subarray(0, HEADER_BYTES), payload]);
  batch.writeInt32BE(batch.length - 12, 8);
  return forged((bytes) => bytes.writeInt16BE(codec, ATTRIBUTES_AT), batch);
}

/** Records whose offset deltas are these, one byte each. */
function withDeltas(deltas: readonly number[]): Buffer {
  const records = deltas.map((delta) => Buffer.from([12, 0, 0, delta * 2, 1, 1, 0]));
  const batch = Buffer.concat([batchOf(['one']).subarray(0, HEADER_BYTES), ...records]);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt32BE(deltas.length - 1, LAST_OFFSET_DELTA_AT);
  return forged((bytes) => bytes.writeInt32BE(deltas.length, RECORD_COUNT_AT), batch);
}

const TOO_LARGE = [ERROR.MESSAGE_TOO_LARGE];
const INVALID = [ERROR.INVALID_RECORD];
const UNPACKS_BADLY = [ERROR.MESSAGE_TOO_LARGE, ERROR.INVALID_RECORD];

test.each<[string, () => Buffer, readonly number[]]>([
  ['a wrong checksum', () => Buffer.from(batchOf([MARK])).fill(1, CRC_AT, CRC_AT + 4), [ERROR.CORRUPT_MESSAGE]],
  ['magic 0', () => forged((batch) => batch.writeInt8(0, 16)), INVALID],
  ['magic 1', () => forged((batch) => batch.writeInt8(1, 16)), INVALID],
  ['magic 3', () => forged((batch) => batch.writeInt8(3, 16)), [ERROR.CORRUPT_MESSAGE]],
  ['a batch longer than the bytes', () => forged((batch) => batch.writeInt32BE(2 ** 31 - 1, 8)), INVALID],
  ['a batch shorter than the bytes', () => forged((batch) => batch.writeInt32BE(52, 8)), [ERROR.CORRUPT_MESSAGE]],
  ['a negative length', () => forged((batch) => batch.writeInt32BE(-1, 8)), [ERROR.CORRUPT_MESSAGE]],
  ['more records than there are', () => forged((batch) => batch.writeInt32BE(3, RECORD_COUNT_AT)), INVALID],
  ['fewer records than there are', () => forged((batch) => batch.writeInt32BE(1, RECORD_COUNT_AT)), INVALID],
  ['a negative count of records', () => forged((batch) => batch.writeInt32BE(-1, RECORD_COUNT_AT)), INVALID],
  ['2^31-1 records', () => forged((batch) => batch.writeInt32BE(2 ** 31 - 1, RECORD_COUNT_AT)), INVALID],
  ['a gap behind the last record', () => forged((batch) => batch.writeInt32BE(9, LAST_OFFSET_DELTA_AT)), INVALID],
  ['a gap between the offsets of records', () => withDeltas([0, 2]), INVALID],
  ['offsets of records that stand still', () => withDeltas([0, 0]), INVALID],
  ['offsets of records that go back', () => withDeltas([1, 0]), INVALID],
  ['a first record at a later offset', () => withDeltas([1, 2]), INVALID],
  ['the control bit', () => forged((batch) => batch.writeInt16BE(0x20, ATTRIBUTES_AT)), INVALID],
  [
    'an unknown codec',
    () => forged((batch) => batch.writeInt16BE(7, ATTRIBUTES_AT)),
    [ERROR.UNSUPPORTED_COMPRESSION_TYPE],
  ],
  ['a producer id without epoch', () => forged((batch) => void batch.writeBigInt64BE(5n, 43)), INVALID],
  [
    'the largest timestamp',
    () => forged((batch) => void batch.writeBigInt64BE(2n ** 63n - 1n, 27)),
    [ERROR.INVALID_TIMESTAMP, ERROR.INVALID_RECORD],
  ],
  [
    'the smallest timestamp',
    () => forged((batch) => void batch.writeBigInt64BE(-(2n ** 63n), 27)),
    [ERROR.INVALID_TIMESTAMP, ERROR.INVALID_RECORD],
  ],
  ['a gzip bomb of a gigabyte', () => packed(1, BOMBS.gzip()), TOO_LARGE],
  ['a snappy bomb of all that a megabyte can hold', () => packed(2, BOMBS.snappy()), UNPACKS_BADLY],
  ['an lz4 bomb of all that a megabyte can hold', () => packed(3, BOMBS.lz4()), TOO_LARGE],
  ['a zstd bomb of a gigabyte', () => packed(4, BOMBS.zstd()), TOO_LARGE],
  ['a zstd bomb inside a zstd bomb', () => packed(4, BOMBS.nestedZstd()), UNPACKS_BADLY],
  ['a snappy length that lies', () => packed(2, SNAPPY_LIE), UNPACKS_BADLY],
  ['a zstd window of 2 GB', () => packed(4, ZSTD_WINDOW), UNPACKS_BADLY],
  ['bytes that no codec has written', () => packed(3, Buffer.alloc(1_000, 0xff)), INVALID],
])('a produce with %s is refused by itself', async (_name, make, codes) => {
  const batch = make();
  const code = await victim.unharmed(async (client) => {
    const refused = await produce(client, batch);
    expect(await produce(client, batchOf(['after']))).toBe(ERROR.NONE);
    return refused;
  });
  expect(codes).toContain(code);
});

/** As many of the smallest records as unpack to 24 MB, in a megabyte or so. */
function crumbs(count: number): Buffer {
  const records = Buffer.alloc(count * 10);
  let at = 0;
  for (let delta = 0; delta < count; delta++) {
    const from = at;
    at = from + 3;
    for (let rest = delta * 2; ; rest >>>= 7) {
      records[at++] = rest > 127 ? (rest & 127) | 128 : rest;
      if (rest <= 127) break;
    }
    records.fill(1, at, at + 2);
    records[at + 2] = 0;
    at += 3;
    records[from] = (at - from - 1) * 2;
  }
  const batch = packed(4, zstdCompressSync(records.subarray(0, at)));
  batch.writeInt32BE(count - 1, LAST_OFFSET_DELTA_AT);
  return forged((bytes) => bytes.writeInt32BE(count, RECORD_COUNT_AT), batch);
}

test('empty records are taken by the million, and no more than a request may have', async () => {
  await victim.unharmed(
    async (client) => {
      expect(await produce(client, crumbs(1_200_000))).toBe(ERROR.NONE);
      await client.request(CreateTopics, 7, largeTopic('crumbs'));
      const { responses } = await client.request(Produce, 9, produceOf('crumbs', crumbs(2_200_000)));
      expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(ERROR.MESSAGE_TOO_LARGE);
    },
    { extraBytes: 64 * 1_048_576 },
  );
});

const largeTopic = (name: string) => {
  const configs = [{ name: 'max.message.bytes', value: '104857600' }];
  return { topics: [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs }], timeoutMs: 5_000 };
};

test('a topic that takes batches of 100 MB takes them without holding anybody up', async () => {
  const batch = batchOf(['x'.repeat(60_000_000)]);
  const trial = { lines: 0, extraBytes: 3 * batch.length };
  await victim.unharmed(async (client) => {
    await client.request(CreateTopics, 7, largeTopic('large'));
    const { responses } = await client.request(Produce, 9, produceOf('large', batch));
    expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(ERROR.NONE);
  }, trial);
});

test('bombs by the hundred, in flight at once on many connections, leave the others their turns', async () => {
  const kinds = [packed(1, BOMBS.gzip().subarray(0, 60_000)), packed(4, BOMBS.zstd()), packed(3, BOMBS.lz4())];
  const requests = kinds.map((batch) => Buffer.concat(encodeRequest(Produce, 9, HEADER, produceOf('orders', batch))));
  const attack = async (): Promise<void> => {
    await victim.with(async (client) => {
      for (let i = 0; i < 12; i++) client.send(requests[i % requests.length]!);
      for (let i = 0; i < 12; i++) await client.frame();
    });
  };
  // What many have unpacked to is given back by the garbage collector, in its own time.
  const trial = { lines: 6, extraBytes: 128 * 1_048_576 };
  await victim.unharmed(() => Promise.all(Array.from({ length: 6 }, attack)), trial);
});

test.each([1, 2, 3, 4])('metrics that are a bomb of codec %i are refused', async (codec) => {
  const metrics = [BOMBS.gzip(), BOMBS.snappy(), BOMBS.lz4(), BOMBS.zstd()][codec - 1]!;
  const code = await victim.unharmed(
    async (client) => {
      const { clientInstanceId, subscriptionId } = await client.request(GetTelemetrySubscriptions, 0, {
        clientInstanceId: ZERO_UUID,
      });
      const push = { clientInstanceId, subscriptionId, terminating: false, compressionType: codec, metrics };
      return (await client.request(PushTelemetry, 0, push)).errorCode;
    },
    { lines: 0 },
  );
  expect(code).toBe(ERROR.TELEMETRY_TOO_LARGE);
});
