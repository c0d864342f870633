/** What a link's flags become, and tables of what mirrors answer. */
import type { Io } from '@meridian/io';
import { afterEach, expect, test, vi } from 'vitest';
import { gapTable } from './gaps.ts';
import { linkEntry, resumeLink } from './link.ts';
import { translatedTable } from './translate.ts';
import { type VerifiedRow, verifiedTable } from './verify.ts';

const PLATFORM = { data: '.meridian', regions: 'regions' };
const ENDS = { ...PLATFORM, from: 'us', to: 'eu' };

afterEach(() => void vi.unstubAllGlobals());

test('each mirror is told of a topic that is to begin anew; what halts it again is told with the way out', async () => {
  const files: Record<string, string> = {
    '.meridian/meridian.json': '{ "format": 1, "mirrors": 2 }',
    'regions/eu.yaml':
      'name: eu\nid: 1\nengine: embedded\nkafka: { port: 1, internalPort: 2 }\ngateway: { port: 3 }\nmirror: { managementPort: 94 }\n',
  };
  const disk = {
    exists: (path: string) => path in files,
    list: () => ['eu.yaml'],
    stat: (path: string) => ({ size: files[path]?.length ?? 0, modifiedMs: 0, isFolder: false }),
    readFile: (path: string) => Buffer.from(files[path] ?? ''),
  };
  const told: string[] = [];
  const reason = 'source retention passed us, 5..10 lost';
  vi.stubGlobal('fetch', async (url: string, { body }: { body: string }) => {
    told.push(`${url} ${body}`);
    return Response.json({ lost: url.includes(':104/') ? [{ partition: 3, kind: 'retention', reason }] : [] });
  });
  const said: string[] = [];
  const terminal = { data: () => {}, drained: async () => {}, endWithReader: () => {}, flush: async () => {} };
  const options = { ...PLATFORM, region: 'eu', topic: 'orders' };
  await resumeLink({ disk } as unknown as Io, { ...terminal, say: (line) => said.push(line) }, 'us-eu', options);
  expect(told).toEqual([
    'http://127.0.0.1:94/v1/links/us-eu/resume {"topic":"orders"}',
    'http://127.0.0.1:104/v1/links/us-eu/resume {"topic":"orders"}',
  ]);
  expect(said).toEqual([
    'orders of link us-eu begins anew',
    'partition 3 was halted by a lost range: source retention passed us, 5..10 lost',
    'It halts again unless onGap of the link or its origin has changed since. To go on all the same:',
    '  meridian link decide us-eu --topic orders --policy mark-gap         goes on behind what was lost',
    '  meridian link decide us-eu --topic orders --policy new-incarnation  deletes the copy and copies all of the topic anew',
  ]);
});

test('what is not said is left out, so that the mirror fills it in', () => {
  expect(linkEntry(undefined, ENDS)).toEqual({ from: 'us', to: 'eu' });
});

test('each flag has its place in the link', () => {
  const options = {
    ...{ ...ENDS, topics: ['orders'], prefix: 'acme.', exclude: ['acme.tmp'], policy: 'identity', start: 'latest' },
    ...{
      compression: 'zstd',
      bandwidth: 5000,
      configs: ['retention.ms'],
      acls: true,
      groups: ['billing'],
      onGap: 'mark-gap',
      mm2: true,
    },
    topicOnGap: { orders: 'halt' },
  };
  expect(linkEntry('orders', options)).toEqual({
    ...{ name: 'orders', from: 'us', to: 'eu', policy: 'identity', start: 'latest', bandwidthBytesPerSecond: 5000 },
    topics: { list: ['orders'], prefix: 'acme.', exclude: { list: ['acme.tmp'] } },
    follow: { configs: ['retention.ms'], acls: true, groups: { list: ['billing'] } },
    onGap: { default: 'mark-gap', topics: { orders: 'halt' } },
    compression: 'zstd',
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
