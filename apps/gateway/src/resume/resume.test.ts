/** The table at the top of `resume.ts`, row by row. */
import { expect, test } from 'vitest';
import type { PartitionEnds, TopicFacts } from '../broker/broker-port.ts';
import { resumePositions } from './positions.ts';
import { planStart, type Wanted } from './resume.ts';

const ID = '00000000-0000-4000-8000-000000000001';
const own: TopicFacts = {
  name: 'acme.cities',
  localId: ID,
  partitions: 1,
  originRegion: 'eu-west',
  originTopicId: ID,
  isCopy: false,
  isRebased: false,
};
const copy: TopicFacts = { ...own, name: 'us-east.acme.cities', originRegion: 'us-east', isCopy: true };
const ends = (start: number, end: number, epochEnd?: PartitionEnds['epochEnd']): PartitionEnds => ({
  start,
  end,
  epochEnd,
});
const at = (offset: number, epoch = -1, topicId = ID): Wanted => ({ offset, epoch, topicId });
const plan = (topic: TopicFacts, range: PartitionEnds, wanted: Wanted) => {
  const { status, reading } = planStart(topic, 0, range, wanted);
  const { region: _region, topicId: _topicId, partition: _partition, ...said } = status;
  return { ...said, reading };
};

test('earliest and latest are exact', () => {
  expect(plan(own, ends(5, 9), 'earliest')).toEqual({ status: 'exact', offset: 5, reading: 5 });
  expect(plan(copy, ends(5, 9), 'latest')).toEqual({ status: 'exact', offset: 9, reading: 9 });
});

test('an offset in the log whose predecessor is the one that the client has is exact', () => {
  expect(plan(own, ends(0, 9, { epoch: 2, endOffset: 9 }), at(7, 2))).toEqual({
    status: 'exact',
    offset: 7,
    reading: 7,
  });
  expect(plan(own, ends(0, 9, { epoch: 2, endOffset: 7 }), at(7, 2))).toEqual({
    status: 'exact',
    offset: 7,
    reading: 7,
  });
  expect(plan(copy, ends(0, 9), at(9))).toEqual({ status: 'exact', offset: 9, reading: 9 });
});

test('below the start: gap by retention', () => {
  const gap = { status: 'gap', offset: 5, from: 3, to: 5, reason: 'retention', reading: 5 };
  expect(plan(own, ends(5, 9), at(3))).toEqual(gap);
  expect(plan(copy, ends(5, 9, { epoch: 0, endOffset: 9 }), at(3, 0))).toEqual(gap);
});

test('another topic id: gap by re-creation, everything of the new topic is delivered', () => {
  const wanted = at(7, 1, '00000000-0000-4000-8000-00000000000f');
  expect(plan(own, ends(0, 9), wanted)).toEqual({
    status: 'gap',
    offset: 0,
    from: 7,
    to: 7,
    reason: 'recreated',
    reading: 0,
  });
});

test('beyond the end: the origin has lost it, a copy is behind', () => {
  expect(plan(own, ends(0, 9), at(12))).toEqual({
    status: 'gap',
    offset: 9,
    from: 9,
    to: 12,
    reason: 'diverged',
    reading: 9,
  });
  expect(plan(copy, ends(0, 9), at(12))).toEqual({ status: 'behind', offset: 12, behindBy: 3, reading: 9 });
  expect(plan(copy, ends(0, 9, { epoch: 2, endOffset: 9 }), at(12, 5))).toEqual({
    status: 'behind',
    offset: 12,
    behindBy: 3,
    reading: 9,
  });
});

test('an epoch that ended below the offset while a later one went on: gap by divergence', () => {
  const gap = { status: 'gap', offset: 6, from: 6, to: 8, reason: 'diverged', reading: 6 };
  expect(plan(own, ends(0, 20, { epoch: 2, endOffset: 6 }), at(8, 2))).toEqual(gap);
  expect(plan(copy, ends(0, 20, { epoch: 2, endOffset: 6 }), at(8, 2))).toEqual(gap);
  expect(plan(own, ends(0, 20, { epoch: 1, endOffset: 6 }), at(8, 2))).toEqual(gap);
});

test('after advances a cursor and never moves it back', () => {
  const cursor = [{ region: 'us-east', topicId: ID, partition: 0, epoch: 1, offset: 10 }];
  const coordinates = (offset: number, partition = 0) => ({
    region: 'us-east',
    topicId: ID,
    partition,
    epoch: 1,
    offset,
  });
  const offsets = (after: ReturnType<typeof coordinates>[]) =>
    [...resumePositions(cursor, after, () => ID).values()].map((one) => one.offset);
  expect(offsets([coordinates(14), coordinates(12)])).toEqual([15]);
  expect(offsets([coordinates(3)])).toEqual([10]);
  expect(offsets([coordinates(0, 1)])).toEqual([10, 1]);
});

test('after of another topic id counts only if that is the topic which the region has now', () => {
  const cursor = [{ region: 'us-east', topicId: ID, partition: 0, epoch: 1, offset: 10 }];
  const other = '00000000-0000-4000-8000-00000000000f';
  const after = [{ region: 'us-east', topicId: other, partition: 0, epoch: 0, offset: 3 }];
  const resumed = (current: string | undefined) =>
    [...resumePositions(cursor, after, () => current).values()].map(({ topicId, offset }) => [topicId, offset]);
  expect(resumed(ID)).toEqual([[ID, 10]]);
  expect(resumed(undefined)).toEqual([[ID, 10]]);
  expect(resumed(other)).toEqual([[other, 4]]);
});
