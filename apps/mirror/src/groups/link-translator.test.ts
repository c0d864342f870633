import type { CopyFacts, CopyView, Place, RegionTopic } from '@meridian/coordinates';
import { RunTable } from '@meridian/coordinates';
import { expect, test } from 'vitest';
import { LinkTranslator } from './link-translator.ts';

/** A region of topics; `ends` by name, views of re-based copies by `runs`. */
class Region {
  list: RegionTopic[] = [];
  readonly ends = new Map<string, number>();
  readonly runs = new Map<string, RunTable>();
  isDown = false;

  add(name: string, id: string, facts?: Partial<CopyFacts>): void {
    const whole = {
      copy: name,
      copyId: id,
      originTopic: 'orders',
      incarnation: 1,
      policy: 'prefix',
      link: '',
      ...facts,
    };
    this.list.push({ name, id, partitions: 2, ...(facts && { facts: whole as CopyFacts }) });
  }

  async topics(): Promise<readonly RegionTopic[]> {
    if (this.isDown) throw new Error('it does not answer');
    return this.list;
  }

  async views(places: readonly Place[]): Promise<CopyView[]> {
    if (this.isDown) throw new Error('it does not answer');
    return places.map(({ topic, asOrigin }) => ({
      originTopicId: asOrigin ? topic.id : topic.facts!.originTopicId,
      runs: this.runs.get(topic.name) ?? 'same',
      start: 0,
      end: this.ends.get(topic.name) ?? 0,
    }));
  }
}

function stage() {
  const us = new Region();
  const eu = new Region();
  us.add('orders', 'orders-us');
  us.add('eu.orders', 'copy-of-eu', { originRegion: 'eu', originTopicId: 'orders-eu' });
  us.add('ap.orders', 'copy-of-ap-in-us', { originRegion: 'ap', originTopicId: 'orders-ap' });
  eu.add('orders', 'orders-eu');
  eu.add('us.orders', 'copy-of-us', { originRegion: 'us', originTopicId: 'orders-us' });
  eu.add('ap.orders', 'copy-of-ap-in-eu', { originRegion: 'ap', originTopicId: 'orders-ap' });
  const ask = async (from: 'us' | 'eu', topic: string, offset: number) => {
    const [source, target] = from === 'us' ? [us, eu] : [eu, us];
    const translator = new LinkTranslator({ from, to: from === 'us' ? 'eu' : 'us', source, target });
    const commit = { topic, partition: 0, offset, leaderEpoch: -1, metadata: '' };
    return (await translator.translate([commit]))[0];
  };
  return { us, eu, ask };
}

test('offsets consumed of a copy are translated back to its origin, so that a fail-back goes on there', async () => {
  const { us, ask } = stage();
  us.ends.set('orders', 100);
  expect(await ask('eu', 'us.orders', 70)).toMatchObject({ counterpart: 'orders', translation: { offset: 70 } });
});

test('an origin goes to its copy, and a third region’s topic to the other copy of it', async () => {
  const { eu, ask } = stage();
  eu.ends.set('us.orders', 100).set('ap.orders', 100);
  expect(await ask('us', 'orders', 70)).toMatchObject({ counterpart: 'us.orders', translation: { status: 'exact' } });
  expect(await ask('us', 'ap.orders', 70)).toMatchObject({ counterpart: 'ap.orders', translation: { offset: 70 } });
  expect(await ask('us', 'unknown', 70)).toBeUndefined();
});

test('an empty copy holds a group at its end, whatever the source offset says', async () => {
  const { ask } = stage();
  const answer = {
    counterpart: 'us.orders',
    counterpartId: 'copy-of-us',
    isOrigin: true,
    translation: { status: 'behind', records: 5_000 },
    commonEnd: 0,
  };
  expect(await ask('us', 'orders', 5_000)).toEqual(answer);
});

test('a re-based copy is translated by its runs, and what is behind them is held at their end', async () => {
  const { eu, us, ask } = stage();
  const runs = new RunTable();
  runs.append({ originEpoch: 1, originStart: 10, localStart: 0, count: 10 });
  runs.append({ originEpoch: 1, originStart: 21, localStart: 11, count: 9 });
  eu.runs.set('us.orders', runs);
  eu.ends.set('us.orders', 20);
  us.ends.set('orders', 1_000);
  expect(await ask('us', 'orders', 25)).toMatchObject({ translation: { status: 'exact', offset: 15 } });
  expect(await ask('us', 'orders', 40)).toMatchObject({
    translation: { status: 'behind', records: 10 },
    commonEnd: 20,
  });
  expect(await ask('eu', 'us.orders', 15)).toMatchObject({ counterpart: 'orders', translation: { offset: 25 } });
});

test('nothing is carried between a promoted copy and what it was copied from', async () => {
  const { eu, us, ask } = stage();
  eu.list = eu.list.filter(({ name }) => name !== 'us.orders');
  eu.add('orders-now', 'copy-of-us', { originRegion: 'us', originTopicId: 'orders-us', promotedAt: [50, 50] });
  eu.ends.set('orders-now', 100);
  us.ends.set('orders', 100);
  expect(await ask('us', 'orders', 70)).toBeUndefined();
  expect(await ask('eu', 'orders-now', 70)).toBeUndefined();
  us.add('eu.orders-now', 'copy-back', { originRegion: 'eu', originTopicId: 'copy-of-us' });
  us.ends.set('eu.orders-now', 100);
  expect(await ask('eu', 'orders-now', 70)).toMatchObject({ counterpart: 'eu.orders-now' });
});

test('a region that is lost has the topics that it had', async () => {
  const { us, eu } = stage();
  eu.ends.set('us.orders', 100);
  const translator = new LinkTranslator({ from: 'us', to: 'eu', source: us, target: eu });
  const commit = { topic: 'orders', partition: 1, offset: 30, leaderEpoch: -1, metadata: '' };
  await translator.translate([commit]);
  us.isDown = true;
  expect(await translator.translate([commit])).toMatchObject([{ counterpart: 'us.orders' }]);
});
