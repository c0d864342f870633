/** What stands in a partition of `__consumer_offsets` comes back as it counts: transactions by their markers. */
import { CONTROL_RECORD_TYPE, ControlRecordKey, encodeMessage } from '@meridian/protocol';
import { type BatchOptions, type NewRecord, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { offsetRecord } from './group-records.ts';
import { Replay } from './replay.ts';

const AT = { topic: 'orders', partition: 0 };

function read(replay: Replay, records: readonly NewRecord[], options: BatchOptions = {}): void {
  const bytes = writeBatch({ records, ...options });
  for (const _ of replay.read(Buffer.from(bytes)));
}

function commitOf(offset: number, groupId = 'readers', at = AT): NewRecord {
  const committed = { offset, leaderEpoch: -1, metadata: '', commitTimestampMs: 1, expireTimestampMs: -1, topicId: '' };
  const topicId = '00000000-0000-0000-0000-000000000000';
  return offsetRecord(groupId, at, { ...committed, topicId }, 1);
}

const inTransaction = (producerId: number) => ({ producerId, producerEpoch: 0, baseSequence: 0, transactional: true });

function end(replay: Replay, producerId: number, type: number): void {
  const key = encodeMessage(ControlRecordKey, 0, { type });
  const value = Buffer.from('000000000000', 'hex');
  read(replay, [{ timestamp: 1, key, value }], { producerId, producerEpoch: 0, transactional: true, control: true });
}

const offsetOf = (replay: Replay) => replay.groups.get('readers')?.offsets.get('orders', 0)?.offset;

test('offsets of a transaction wait for its marker, count with a commit and never with an abort', () => {
  const replay = new Replay(0);
  read(replay, [commitOf(1)]);
  read(replay, [commitOf(2)], inTransaction(7));
  read(replay, [commitOf(3)], inTransaction(8));
  expect([offsetOf(replay), replay.pending.has('readers', AT), replay.pending.has('readers')]).toEqual([1, true, true]);
  expect(replay.pending.has('readers', { topic: 'orders', partition: 1 })).toBe(false);
  expect(replay.pending.has('others')).toBe(false);
  end(replay, 8, CONTROL_RECORD_TYPE.ABORT);
  expect([offsetOf(replay), replay.pending.has('readers', AT)]).toEqual([1, true]);
  end(replay, 7, CONTROL_RECORD_TYPE.COMMIT);
  expect([offsetOf(replay), replay.pending.has('readers')]).toEqual([2, false]);
  end(replay, 7, CONTROL_RECORD_TYPE.COMMIT);
  expect(offsetOf(replay)).toBe(2);
});

test('records of types that are not known here are counted and passed over; of known ones that cannot be read, not', () => {
  const replay = new Replay(0);
  const unknown = (type: number) => ({ timestamp: 1, key: Buffer.from([0, type, 1, 2, 3]), value: Buffer.alloc(9) });
  read(replay, [unknown(3), commitOf(4), unknown(3), unknown(99)]);
  expect(offsetOf(replay)).toBe(4);
  expect([...replay.unknown]).toEqual([
    [3, 2],
    [99, 1],
  ]);
  const { key } = commitOf(5);
  expect(() => read(replay, [{ timestamp: 1, key, value: Buffer.from([0, 77]) }])).toThrow(
    expect.objectContaining({ code: 'unsupported-version' }),
  );
});
