/** What a link's flags become, and tables of what mirrors answer. */
import { expect, test } from 'vitest';
import { gapTable } from './gaps.ts';
import { linkEntry } from './link.ts';
import { translatedTable } from './translate.ts';
import { type VerifiedRow, verifiedTable } from './verify.ts';

const PLATFORM = { data: '.meridian', regions: 'regions' };
const ENDS = { ...PLATFORM, from: 'us', to: 'eu' };

test('what is not said is left out, so that the mirror fills it in', () => {
  expect(linkEntry(undefined, ENDS)).toEqual({ from: 'us', to: 'eu' });
});

test('each flag has its place in the link', () => {
  const options = {
    ...{ ...ENDS, topics: ['orders'], prefix: 'acme.', exclude: ['acme.tmp'], policy: 'identity', start: 'latest' },
    ...{ bandwidth: 5000, configs: ['retention.ms'], acls: true, groups: ['billing'], onGap: 'mark-gap', mm2: true },
    topicOnGap: { orders: 'halt' },
  };
  expect(linkEntry('orders', options)).toEqual({
    ...{ name: 'orders', from: 'us', to: 'eu', policy: 'identity', start: 'latest', bandwidthBytesPerSecond: 5000 },
    topics: { list: ['orders'], prefix: 'acme.', exclude: { list: ['acme.tmp'] } },
    follow: { configs: ['retention.ms'], acls: true, groups: { list: ['billing'] } },
    onGap: { default: 'mark-gap', topics: { orders: 'halt' } },
    mm2: true,
  });
  expect(linkEntry('x', { ...ENDS, withoutGroups: true })).toMatchObject({ follow: { groups: 'none' } });
});

test('a start in time is taken as ISO 8601 and as milliseconds; nonsense is refused', () => {
  const timestampMs = Date.UTC(2026, 10, 21, 8);
  expect(linkEntry('x', { ...ENDS, start: '2026-11-21T08:00:00Z' })).toMatchObject({ start: { timestampMs } });
  expect(linkEntry('x', { ...ENDS, start: String(timestampMs) })).toMatchObject({ start: { timestampMs } });
  expect(() => linkEntry('x', { ...ENDS, start: 'tomorrow' })).toThrow('--start tomorrow');
});

test('gaps are shown with the last offset that is gone, and each reason once', () => {
  const gap = {
    ...{ region: 'eu', link: 'us-eu', topic: 'orders', copy: 'us.orders', partition: 3, kind: 'retention' },
    ...{ from: 1204, to: 9872, foundAtMs: 0, policy: 'mark-gap', incarnation: 1, reason: 'retention passed us' },
  };
  expect(gapTable([gap])).toEqual([
    'REGION  LINK   PARTITION  KIND       FROM  TO    RECORDS  POLICY    FOUND',
    'eu      us-eu  orders-3   retention  1204  9871  8668     mark-gap  1970-01-01T00:00:00.000Z',
    '',
    'orders-3 in eu: retention passed us',
  ]);
});

test('verification names the first offset that differs, and why it could not be done', () => {
  const row = (more: Partial<VerifiedRow>): VerifiedRow => ({
    ...{ region: 'eu', link: 'us-eu', topic: 'orders', copy: 'us.orders', partition: 0, from: 0, end: 9, records: 9 },
    ...{ difference: null, error: null, ...more },
  });
  const rows = [
    row({}),
    row({ partition: 1, difference: { offset: 4, kind: 'missing' } }),
    row({ error: 'no leader' }),
  ];
  const results = verifiedTable(rows).map((line) => line.split(/ {2,}/).at(-1));
  expect(results).toEqual(['RESULT', 'equal', '4 is missing', 'no leader']);
});

test('places are shown with where they are in the other region, or why they are nowhere', () => {
  const row = { from: 'us', topic: 'orders', partition: 0, offset: 7, toTopic: 'us.orders' };
  const lines = translatedTable(
    [
      { ...row, translation: { status: 'exact', offset: 5 } },
      { ...row, partition: 1, translation: { status: 'behind', records: 3 } },
      { ...row, partition: 2, translation: { status: 'gap', from: 7, to: 20, offset: 6 } },
      { ...row, partition: 3, toTopic: null, translation: { status: 'no-copy', reason: 'no link brings it' } },
    ],
    'eu',
  );
  expect(lines).toEqual([
    'FROM         OFFSET  TO              OFFSET  STATUS',
    'us orders-0  7       eu us.orders-0  5       exact',
    'us orders-1  7       eu us.orders-1  -       behind 3',
    'us orders-2  7       eu us.orders-2  6       gap 7..20',
    'us orders-3  7       -               -       no link brings it',
  ]);
});
