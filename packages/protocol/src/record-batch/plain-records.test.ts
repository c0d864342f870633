import { expect, test } from 'vitest';
import { compress, decompress } from '../compression/compression.ts';
import { crc32c, plainRecords, stampLogAppendTime, writeBatch } from './record-batch.ts';

const record = (index: number) => ({
  timestamp: 1_000 + index,
  key: index % 2 === 0 ? null : new Uint8Array([index]),
  value: index % 3 === 0 ? null : new Uint8Array(index),
  headers: index % 4 === 0 ? [{ key: 'k', value: null }] : [],
});
const batch = (from: number, to: number, more: object = {}) =>
  writeBatch({ records: Array.from({ length: to - from }, (_, at) => record(from + at)), baseOffset: from, ...more });
const plain = (...batches: Uint8Array[]) =>
  Buffer.concat(batches.map((each) => plainRecords(each, (offset) => offset, { decompress })));

test('records are the same in whatever batches they lie', () => {
  const together = plain(batch(0, 40));
  expect(plain(batch(0, 7), batch(7, 8), batch(8, 40))).toEqual(together);
  expect(plain(batch(0, 20, { codec: 'zstd', compress, producerId: 4 }), batch(20, 40))).toEqual(together);
});

test('what is another record has another form, and so has one at another place', () => {
  const forms = [
    plain(batch(0, 3)),
    plain(batch(1, 3)),
    plain(batch(0, 3, { baseOffset: 1 })),
    plain(batch(0, 2), batch(3, 4)),
    plainRecords(batch(0, 3), (offset) => (offset === 1 ? undefined : offset)),
    plainRecords(batch(0, 3), (offset) => offset + 5),
  ];
  const appended = batch(0, 3);
  stampLogAppendTime(appended, 0, 5_000, crc32c);
  forms.push(plain(appended));
  expect(new Set(forms.map((form) => Buffer.from(form).toString('hex'))).size).toBe(forms.length);
});
