/** Where the records of a re-based copy end, over a log that has lost its beginning. */
import { ERROR } from '@meridian/protocol';
import { abortMarker, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { type CopyLog, dataEnd } from './data-end.ts';

const MARKER = { producerId: 1, producerEpoch: 0, coordinatorEpoch: 0, timestamp: 0, leaderEpoch: 0 };

function batchAt(offset: number, count: number): Buffer {
  const records = Array.from({ length: count }, () => ({
    timestamp: 0,
    key: null,
    value: Buffer.from('x'),
    headers: [],
  }));
  return Buffer.from(writeBatch({ baseOffset: offset, records }));
}

/** A log of `records` records from 0 and `markers` markers behind them, of which what lies below `start` is deleted. */
function logOf(records: number, markers: number, start: number): CopyLog {
  const data = Array.from({ length: records }, (_, offset) => batchAt(offset, 1));
  const behind = Array.from({ length: markers }, (_, index) =>
    Buffer.from(abortMarker({ ...MARKER, baseOffset: records + index })),
  );
  const batches = [...data, ...behind];
  const client = {
    leaderOf: async () => 1,
    metadata: async () => ({}),
    listOffsets: async () => [{ errorCode: ERROR.NONE, offset: start }],
    send: async (_api: unknown, body: { topics: { partitions: { fetchOffset: number }[] }[] }) => {
      const { fetchOffset } = body.topics[0]!.partitions[0]!;
      const isThere = fetchOffset >= start && fetchOffset <= batches.length;
      const errorCode = isThere ? ERROR.NONE : ERROR.OFFSET_OUT_OF_RANGE;
      const partitions = [{ errorCode, records: isThere ? batches.slice(fetchOffset) : null }];
      return { errorCode: ERROR.NONE, responses: [{ partitions }] };
    },
  };
  return { client: client as never, topic: 'copy', topicId: 'id', partition: 0 };
}

test('markers behind the last record are no data', async () => {
  expect(await dataEnd(logOf(20, 3, 0), 0, 23)).toBe(20);
});

test('a log whose beginning was deleted is looked at from where it begins', async () => {
  expect(await dataEnd(logOf(5, 1, 3), 0, 6)).toBe(5);
  expect(await dataEnd(logOf(40, 30, 36), 0, 70)).toBe(40);
});

test('where nothing but markers is left the data ends where the log begins', async () => {
  expect(await dataEnd(logOf(5, 3, 5), 0, 8)).toBe(5);
  expect(await dataEnd(logOf(5, 3, 7), 2, 8)).toBe(7);
});

test('an offset that is not there though the log begins before it is told', async () => {
  await expect(dataEnd(logOf(5, 0, 0), 7, 9)).rejects.toThrow('OFFSET_OUT_OF_RANGE');
});
