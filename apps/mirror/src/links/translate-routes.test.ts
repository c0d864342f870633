import { ClientError } from '@meridian/client';
import { type CopyView, type RegionCopies, RunTable } from '@meridian/coordinates';
import { Refused } from '@meridian/service';
import { expect, test } from 'vitest';
import type { RegionSide } from '../link/region-side.ts';
import { translateRoutes } from './translate-routes.ts';

const ORIGIN = 'the origin';
const facts = { originRegion: 'us', originTopic: 'orders', originTopicId: ORIGIN, incarnation: 1, link: 'us-eu' };

function side(topic: object, view: CopyView, committed: object[] = []): RegionSide {
  const copies = { topics: async () => [topic], views: async (places: unknown[]) => places.map(() => view) };
  const client = { committedOffsets: async () => new Map([['readers', committed]]), metadata: async () => ({}) };
  return { copies: copies as unknown as RegionCopies, client } as unknown as RegionSide;
}

function sides(): Map<string, RegionSide> {
  const runs = new RunTable();
  runs.append({ originEpoch: 0, originStart: 0, localStart: 1, count: 10 });
  const origin = { originTopicId: ORIGIN, runs: 'same', start: 0, end: 20 } as const;
  const copy = { originTopicId: ORIGIN, runs, start: 0, end: 11 };
  const place = { topic: 'orders', partition: 0, offset: 4, leaderEpoch: -1, metadata: '' };
  return new Map([
    ['us', side({ name: 'orders', id: ORIGIN, partitions: 1 }, origin, [place])],
    ['eu', side({ name: 'us.orders', id: 'the copy', partitions: 1, facts: { ...facts, policy: 'prefix' } }, copy)],
  ]);
}

async function get(query: Record<string, string>, known = sides()): Promise<unknown> {
  const [route] = translateRoutes((name) => {
    const found = known.get(name);
    if (found === undefined) throw new Error(`nobody has told where ${name} is`);
    return found;
  }, 3_000);
  return route!.handle({ params: {}, query, body: undefined });
}

test('an offset and a group are answered with where they lie in the other region', async () => {
  const place = { topic: 'orders', partition: '0' };
  expect(await get({ from: 'us', to: 'eu', ...place, offset: '4' })).toEqual({
    from: 'us',
    to: 'eu',
    positions: [
      { topic: 'orders', partition: 0, offset: 4, toTopic: 'us.orders', translation: { status: 'exact', offset: 5 } },
    ],
  });
  expect(await get({ from: 'us', to: 'eu', ...place, offset: '15' })).toMatchObject({
    positions: [{ translation: { status: 'behind', records: 5 } }],
  });
  expect(await get({ from: 'us', to: 'eu', group: 'readers' })).toMatchObject({
    positions: [{ offset: 4, translation: { status: 'exact', offset: 5 } }],
  });
});

test.each([
  [{ to: 'eu', group: 'readers' }, 400, 'from'],
  [{ from: 'us', to: 'eu' }, 400, 'topic'],
  [{ from: 'us', to: 'eu', topic: 'orders', partition: '0', offset: '-1' }, 400, 'offset'],
  [{ from: 'us', to: 'eu', topic: 'orders', partition: '0', offset: '99999999999999999999' }, 400, 'offset'],
  [{ from: 'us', to: 'mars', group: 'readers' }, 404, 'mars'],
])('%j is refused, and says why', async (query, status, word) => {
  const refused = await get(query as Record<string, string>).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(Refused);
  expect(refused).toMatchObject({ status, message: expect.stringContaining(word) });
});

test('a region that does not answer is named', async () => {
  const known = sides();
  const metadata = () => Promise.reject(new ClientError('timeout', '10.0.0.1:9092'));
  known.set('us', { ...known.get('us')!, client: { metadata } as unknown as RegionSide['client'] });
  const query = { from: 'us', to: 'eu', topic: 'orders', partition: '0', offset: '4' };
  const refused = await get(query, known).catch((error: unknown) => error);
  expect(refused).toMatchObject({ status: 503, message: expect.stringMatching(/^us does not answer/) });
});
