import { expect, test } from 'vitest';
import { wireOf } from './link-names.ts';
import { type LinkStatus, mergeLinks, summaryOf, tableOf } from './links.ts';

const partition = (number: number, more: Partial<LinkStatus['partitions'][number]> = {}) => ({
  topic: 'acme.cities',
  copy: 'us.acme.cities',
  partition: number,
  state: 'running',
  reason: null,
  position: 7,
  sourceEnd: 9,
  lagRecords: 2,
  lagBytes: 80,
  lagMs: 340,
  lastVerifiedOffset: 7,
  oldestUnmirroredMs: 1_200,
  gaps: 0,
  lostRecords: 0,
  ...more,
});
const UNKNOWN = {
  ...{ position: null, sourceEnd: null, lagRecords: null, lagBytes: null, lagMs: null },
  ...{ oldestUnmirroredMs: null, lastVerifiedOffset: null },
};
const link = (more: Partial<LinkStatus>): LinkStatus => ({
  name: 'us-eu',
  managed: 'file',
  policy: 'prefix',
  isKeeper: true,
  from: 'us',
  to: 'eu',
  state: 'running',
  reason: null,
  partitions: [],
  ...more,
});

test('reasons stand below the table, once per topic, and what is not known is a dash', () => {
  const halted = { state: 'halted', reason: 'it was deleted', ...UNKNOWN, position: 3 };
  const partitions = [partition(0), partition(1, halted), partition(2, halted)];
  expect(tableOf([link({ state: 'halted', reason: 'it was deleted', partitions })])).toEqual([
    'LINK     PARTITION      STATE    POSITION  END  LAG  BYTES  SECONDS  OLDEST  VERIFIED  GAPS',
    'us → eu  acme.cities-0  running  7         9    2    80     0.3      1.2     7         0',
    'us → eu  acme.cities-1  halted   3         -    -    -      -        -       -         0',
    'us → eu  acme.cities-2  halted   3         -    -    -      -        -       -         0',
    '',
    'us → eu acme.cities: it was deleted (partition 1, 2)',
  ]);
});

test('a link that cannot look for topics says why', () => {
  expect(tableOf([link({ state: 'retrying', reason: 'not connected yet' })])).toEqual([
    'LINK     PARTITION  STATE     POSITION  END  LAG  BYTES  SECONDS  OLDEST  VERIFIED  GAPS',
    'us → eu  -          retrying',
    '',
    'us → eu: not connected yet',
  ]);
});

test('what crossed the line is added up over mirrors, and compression that is off says why', () => {
  const wire = { codec: 'zstd', wireBytes: 6_000_000, recordBytes: 30_600_000, off: null };
  const answer = (member: string, more: { off?: string }) => ({
    ...{ region: 'eu', member, members: [], configError: null },
    links: [link({ wire: { ...wire, ...more } })],
  });
  const [merged] = mergeLinks([answer('a', {}), answer('b', { off: 'broker 3 is old' })]);
  expect(wireOf(merged!.wire!)).toBe('12.0 MB for 61.2 MB of records (zstd, 5.1 to 1)');
  expect(wireOf({ ...wire, wireBytes: 0, recordBytes: 0 })).toBe('0.0 MB for 0.0 MB of records (zstd)');
  expect(tableOf([merged!]).at(-1)).toBe('us → eu: compression is off: broker 3 is old');
});

test('without troubles there is nothing below the table', () => {
  expect(tableOf([link({ partitions: [partition(0)] })])).toHaveLength(2);
});

test('several mirrors of a region are shown as one, each partition with its owner and the link as badly off as its worst', () => {
  const mirror = (member: string, state: string, numbers: number[]) => ({
    ...{ region: 'eu', member, members: ['mirror', 'mirror-2'], configError: null },
    links: [link({ state, partitions: numbers.map((number) => partition(number)) })],
  });
  const [merged] = mergeLinks([mirror('mirror', 'running', [2, 10]), mirror('mirror-2', 'halted', [0, 1])]);
  expect(merged).toMatchObject({ name: 'us-eu', state: 'halted' });
  expect(merged?.partitions.map((each) => [each.partition, each.member])).toEqual([
    [0, 'mirror-2'],
    [1, 'mirror-2'],
    [2, 'mirror'],
    [10, 'mirror'],
  ]);
});

test('the summary adds up what the partitions tell, and a name of its own is shown', () => {
  const partitions = [partition(0), partition(1, { gaps: 2, lostRecords: 11, oldestUnmirroredMs: 9_000 })];
  expect(summaryOf([link({ name: 'orders', partitions })])).toEqual([
    'LINK              STATE    POLICY  MANAGED  PARTITIONS  LAG  BYTES  OLDEST  GAPS  LOST',
    'us → eu (orders)  running  prefix  file     2           4    160    9.0     2     11',
  ]);
});
