/**
 * Fuzzing of record batches: `npm run fuzz -- record-batch-lz4`, one unit for each codec, and `retain-records`, which
 * rewrites them as compaction does, and `merge-batches`, which makes one of several. The walker, the reader and the validator see the same bytes. Nothing but
 * RecordBatchError may come out, and a batch that is rewritten is read like those records of the first that stayed.
 */
import { compress, decompress } from '../compression/compression.ts';
import { crc32c } from './crc32c.ts';
import {
  type BatchHeader,
  CODECS,
  iterateBatches,
  mergeBatches,
  type Rec,
  RecordBatchError,
  readRecords,
  stampBaseOffset,
  stampCrc,
  validateRecords,
  writeBatch,
} from './record-batch.ts';
import { emptiedBatch, retainRecords, rewriteBatch } from './retain.ts';
import { writeVarint } from './varint.ts';

type Draw = (below: number) => number;
type Codec = (typeof CODECS)[number];

const MAX_PLAIN_BYTES = 262_144;
const HEADER_BYTES = 61;
const OPTIONS = { decompress, maxDecompressedBytes: MAX_PLAIN_BYTES };

export const units = {
  ...Object.fromEntries(CODECS.map((codec) => [`record-batch-${codec}`, unitOf(codec, fuzzReaders)])),
  'retain-records': unitOf('none', fuzzRetain),
  'merge-batches': unitOf('none', fuzzMerge),
};

function unitOf(codec: Codec, run: (bytes: Uint8Array) => unknown) {
  return {
    // What is unpacked is bounded by its own limit, twice: a buffer that is outgrown lives until the next is filled.
    baseBytes: MAX_PLAIN_BYTES * 4,
    corpus: () =>
      [['one'], ['one', 'two', 'three'], Array<string>(200).fill('many')].map((values) => batchOf(codec, values)),
    lie: (draw: Draw): Buffer => lyingBatch(codec, draw),
    fuzz(bytes: Uint8Array): unknown {
      try {
        return run(bytes);
      } catch (error) {
        if (!(error instanceof RecordBatchError)) throw error;
        return undefined;
      }
    },
  };
}

function batchOf(codec: Codec, values: readonly string[]): Buffer {
  const records = values.map((value, at) => ({
    timestamp: 1_767_225_600_000 + at,
    key: at % 3 === 0 ? null : Buffer.from(`key-${at % 5}`),
    value: at % 4 === 3 ? null : Buffer.from(value),
    headers: at % 5 === 0 ? [{ key: 'header', value: Buffer.from('x') }] : [],
  }));
  return Buffer.from(writeBatch({ records, codec, compress }));
}

/** Records by the rules but for a field here and there, in a header that lies as seldom. */
function lyingBatch(codec: Codec, draw: Draw): Buffer {
  const count = draw(50) === 0 ? draw(3_000) : draw(6);
  const plain = Buffer.concat(Array.from({ length: count }, (_, at) => lyingRecord(at, draw)));
  const head = batchOf('none', ['one']).subarray(0, HEADER_BYTES);
  const batch = Buffer.concat([head, codec === 'none' ? plain : compress(codec, plain)]);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt16BE(CODECS.indexOf(codec) | (draw(20) === 0 ? 1 << draw(8) : 0), 21);
  batch.writeInt32BE(draw(20) === 0 ? draw(2 ** 31) : Math.max(0, count - 1), 23);
  batch.writeInt32BE(draw(20) === 0 ? draw(2 ** 31) - 2 : count, HEADER_BYTES - 4);
  return batch;
}

const EDGES = [-1, -2, 0, 1, 64, 2 ** 31 - 1, -(2 ** 31), 2 ** 53 - 1, -(2 ** 53) + 1];

function lyingRecord(at: number, draw: Draw): Buffer {
  const body = Buffer.alloc(128);
  let end = 1;
  const varint = (honest: number): void => {
    end = writeVarint(body, end, draw(40) === 0 ? EDGES[draw(EDGES.length)]! : honest);
  };
  const text = (size: number): void => {
    varint(size);
    end += Math.max(0, size);
  };
  varint(draw(1_000));
  varint(at);
  text(draw(12) - 1);
  text(draw(12) - 1);
  const headers = draw(3);
  varint(headers);
  for (let left = headers; left > 0; left--) {
    text(draw(6));
    text(draw(6) - 1);
  }
  const record = Buffer.alloc(10 + end);
  const from = writeVarint(record, 0, draw(40) === 0 ? draw(300) - 2 : end);
  body.copy(record, from, 0, end);
  return record.subarray(0, from + end);
}

/** All readers, whatever the codec. */
export function fuzz(bytes: Uint8Array): void {
  unitOf('none', fuzzReaders).fuzz(bytes);
}

function fuzzReaders(bytes: Uint8Array): unknown {
  let last: Rec | undefined;
  for (const { bytes: batch } of iterateBatches(bytes, 'partial')) {
    for (const record of readRecords(batch, OPTIONS)) last = record;
    validateRecords(batch, OPTIONS);
  }
  return last;
}

function fuzzRetain(bytes: Uint8Array): unknown {
  for (const { bytes: batch, header } of iterateBatches(bytes, 'partial')) {
    const retained = retainRecords(batch, header, (offset) => offset % 2 === 0, OPTIONS);
    checkEmptied(batch, header);
    if (retained.recordCount === 0) continue;
    for (const deleteHorizonMs of [undefined, 1_767_225_600_000]) {
      const rewritten = rewriteBatch(batch, header, retained, { deleteHorizonMs, compress, crc: crc32c });
      const expected = Array.from(readRecords(batch, OPTIONS)).filter(({ offset }) => offset % 2 === 0);
      checkSame(Array.from(readRecords(rewritten, OPTIONS)), expected);
    }
  }
  return undefined;
}

/** Before and behind one that is sound: if it becomes part of it, readers find what they found. */
function fuzzMerge(bytes: Uint8Array): unknown {
  for (const { bytes: batch, header } of iterateBatches(bytes, 'partial')) {
    const sound = batchOf('none', Array<string>(70).fill('beside'));
    const odd = Buffer.from(batch);
    stampCrc(odd, 0, crc32c);
    stampBaseOffset(sound, 0, header.nextOffset);
    checkMerged([odd, sound]);
    stampBaseOffset(sound, 0, 0);
    stampBaseOffset(odd, 0, 70);
    checkMerged([sound, odd]);
  }
  return undefined;
}

function checkMerged(parts: readonly Uint8Array[]): void {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 1_000));
  const merged = mergeBatches(parts, out, { crc: crc32c });
  if (merged.parts < parts.length) return;
  const expected = parts.flatMap((part) => [...readRecords(part)]);
  checkSame(Array.from(readRecords(merged.bytes)), expected);
}

function checkEmptied(batch: Uint8Array, header: BatchHeader): void {
  const emptied = emptiedBatch(batch, header, crc32c);
  if ([...readRecords(emptied, OPTIONS)].length > 0) throw new Error('an emptied batch has records');
}

const hexOf = (bytes: Uint8Array | null): string => (bytes === null ? 'null' : Buffer.from(bytes).toString('hex'));

function checkSame(found: readonly Rec[], expected: readonly Rec[]): void {
  const shown = (records: readonly Rec[]): string =>
    records
      .map(({ offset, timestamp, key, value }) => `${offset} ${timestamp} ${hexOf(key)} ${hexOf(value)}`)
      .join('\n');
  if (shown(found) !== shown(expected)) throw new Error(`read as\n${shown(found)}\ninstead of\n${shown(expected)}`);
}
