import { type CopyFacts, factsOfConfigs, ORIGIN_CONFIGS } from '@meridian/coordinates';
import { linkSpec } from '@meridian/service';
import { expect, test } from 'vitest';
import { followedConfigs } from './copy-configs.ts';
import { type Decision, reconcile, type Sides } from './reconcile.ts';
import type { TopicFacts } from './topic-catalog.ts';

function topic(name: string, partitions = 1, configs: Record<string, string> | undefined = {}, id = name): TopicFacts {
  const set = configs && new Map(Object.entries(configs));
  return { name, id, partitions, configs: set, origin: set && factsOfConfigs(name, id, set) };
}

const LINK = linkSpec({ from: 'us-east', to: 'eu-west' });

function decide(source: TopicFacts[], target: TopicFacts[] = [], more: Partial<Sides> = {}): Decision[] {
  return reconcile({
    link: LINK,
    selects: () => true,
    engine: 'embedded',
    source,
    target: new Map(target.map((each) => [each.name, each])),
    gone: new Map(),
    released: new Set(),
    limits: { maxTopicNameLength: 249 },
    ...more,
  });
}

const copyOf = (name: string, partitions = 1, id = name, region = 'us-east', more = {}): TopicFacts => {
  const configs = { [ORIGIN_CONFIGS.region]: region, [ORIGIN_CONFIGS.topicId]: id, ...more };
  return topic(`us-east.${name}`, partitions, configs, 'the copy');
};

const facts = (copy: string, originTopicId: string): CopyFacts => ({
  ...{ copy, copyId: 'old', originRegion: 'us-east', originTopic: 'cities', originTopicId, incarnation: 2 },
  ...{ policy: 'prefix', link: LINK.name },
});

const reasonOf = (decisions: Decision[]): string | undefined => {
  const [decision] = decisions;
  return decision !== undefined && 'reason' in decision ? decision.reason : decision?.kind;
};

test('a new topic gets a copy', () => {
  expect(decide([topic('cities', 6)])).toMatchObject([{ kind: 'create', copy: 'us-east.cities', incarnation: 1 }]);
  const link = linkSpec({ from: 'us-east', to: 'eu-west', policy: 'identity' });
  expect(decide([topic('cities')], [], { link })).toMatchObject([{ kind: 'create', copy: 'cities' }]);
});

test('the copy is made with the configs that follow, and with no others', () => {
  const origin = new Map([
    ['cleanup.policy', 'compact'],
    ['segment.bytes', '9'],
    ['retention.ms', '1000'],
    ['meridian.durability', 'quorum'],
  ]);
  expect(followedConfigs(origin, 'default', 'embedded')).toEqual({
    'cleanup.policy': 'compact',
    'retention.ms': '1000',
    'meridian.durability': 'quorum',
  });
  expect(followedConfigs(origin, 'default', 'kafka')).toEqual({ 'cleanup.policy': 'compact' });
  expect(followedConfigs(origin, ['segment.bytes'], 'kafka')).toEqual({ 'segment.bytes': '9' });
});

test('copies are known by their facts whatever they are called, and names that look like copies are none', () => {
  const decisions = decide([
    topic('plain-name', 1, { [ORIGIN_CONFIGS.region]: 'eu-west' }),
    topic('eu-west.looks-like-one'),
    topic('__consumer_offsets'),
    topic('mm2-offset-syncs.b.internal'),
    { ...topic('not-described-yet'), configs: undefined },
  ]);
  expect(decisions).toMatchObject([{ kind: 'create', copy: 'us-east.eu-west.looks-like-one' }]);
});

test('a copy that was promoted is a topic of its region, and is mirrored as such', () => {
  const promoted = { [ORIGIN_CONFIGS.region]: 'eu-west', [ORIGIN_CONFIGS.promoted]: '4,9' };
  expect(decide([topic('cities', 2, promoted)])).toMatchObject([{ kind: 'create', copy: 'us-east.cities' }]);
  const sealed = { [ORIGIN_CONFIGS.promoted]: 'sealed' };
  expect(decide([topic('cities')], [copyOf('cities', 1, 'cities', 'us-east', sealed)])).toMatchObject([
    { kind: 'promoted' },
  ]);
});

test('what the link does not mean is left alone, but for heartbeats where MirrorMaker 2’s topics are kept', () => {
  const selects = (name: string) => name === 'cities';
  const link = linkSpec({ from: 'us-east', to: 'eu-west', mm2: true, policy: 'identity' });
  const source = [topic('cities'), topic('rivers'), topic('heartbeats')];
  expect(decide(source, [], { selects, link })).toMatchObject([{ copy: 'cities' }, { copy: 'us-east.heartbeats' }]);
});

test('a topic of a name that a copy is being made of is not mirrored before it is known what it is', () => {
  expect(decide([{ ...topic('eu-west.cities'), isBeingMade: true }])).toEqual([]);
  expect(decide([topic('eu-west.cities')])).toMatchObject([{ kind: 'create' }]);
});

test('a grown topic grows its copy, and what is there already is mirrored meanwhile', () => {
  const decisions = decide([topic('cities', 4)], [copyOf('cities', 2)]);
  expect(decisions).toMatchObject([
    { kind: 'grow', copy: 'us-east.cities', partitions: 4 },
    { kind: 'run', partitions: 2 },
  ]);
});

test('configs that were changed or taken back at the origin are so at the copy', () => {
  const origin = topic('cities', 1, { 'retention.ms': '5', 'segment.bytes': '1' });
  const copy = copyOf('cities', 1, 'cities', 'us-east', { 'retention.ms': '4', 'max.message.bytes': '7' });
  expect(decide([origin], [copy])[0]).toMatchObject({
    kind: 'configure',
    set: { 'retention.ms': '5' },
    unset: ['max.message.bytes'],
  });
  expect(decide([topic('cities')], [copyOf('cities')])).toMatchObject([{ kind: 'run' }]);
});

test('a name that is taken or too long halts with the reason and what can be done', () => {
  expect(reasonOf(decide([topic('cities')], [copyOf('cities', 1, 'cities', 'ap')]))).toMatch(
    /is a copy from ap: delete/,
  );
  expect(reasonOf(decide([topic('cities')], [topic('us-east.cities')]))).toMatch(/is a topic that is no copy: delete/);
  expect(reasonOf(decide([topic('x'.repeat(245))]))).toMatch(/longer than 249/);
  const taken = copyOf('cities', 1, 'cities', 'us-east', { [ORIGIN_CONFIGS.topic]: 'towns' });
  expect(reasonOf(decide([topic('cities')], [taken]))).toMatch(/is the copy of towns/);
});

test('a topic of which it may not be known what it is halts and says so', () => {
  const secret = { ...topic('cities'), configs: undefined, problem: 'its configs cannot be read: DENIED' };
  expect(reasonOf(decide([secret]))).toMatch(/DENIED/);
  expect(reasonOf(decide([topic('cities')], [{ ...secret, name: 'us-east.cities' }]))).toMatch(/DENIED/);
  expect(decide([secret], [], { selects: () => false })).toEqual([]);
});

test('a topic that was created anew at the origin is told by its id', () => {
  const [decision] = decide([topic('cities')], [copyOf('cities', 1, 'older')]);
  expect(decision).toMatchObject({
    kind: 'recreated',
    reason: expect.stringMatching(/its id is cities, our copy is of older/),
  });
});

test('a copy that somebody deleted is made anew only when somebody says so, or if its origin is another topic', () => {
  const gone = new Map([['us-east.cities', facts('us-east.cities', 'cities')]]);
  expect(decide([topic('cities')], [], { gone })).toMatchObject([{ kind: 'copyGone' }]);
  const released = new Set(['us-east.cities']);
  expect(decide([topic('cities')], [], { gone, released })).toMatchObject([{ kind: 'create', incarnation: 3 }]);
  const older = new Map([['us-east.cities', facts('us-east.cities', 'older')]]);
  expect(decide([topic('cities')], [], { gone: older })).toMatchObject([{ kind: 'create', incarnation: 3 }]);
});

test('in apache kafka a topic without facts may be the copy, and times are not to be replaced', () => {
  const [adopted] = decide([topic('cities')], [topic('us-east.cities')], { engine: 'kafka' });
  expect(adopted).toMatchObject({ kind: 'adopt', existing: { name: 'us-east.cities' } });
  const stamped = copyOf('cities', 1, 'cities', 'us-east', { 'message.timestamp.type': 'LogAppendTime' });
  expect(reasonOf(decide([topic('cities')], [stamped], { engine: 'kafka' }))).toMatch(/LogAppendTime/);
});

test('a copy whose origin is not there is told, with what it knows of it; copies from elsewhere are not ours to judge', () => {
  const foreign = topic('us-east.lakes', 1, { [ORIGIN_CONFIGS.region]: 'ap', [ORIGIN_CONFIGS.topicId]: 'lakes' });
  const decisions = decide([topic('cities')], [copyOf('cities'), copyOf('rivers', 3, 'the old one'), foreign]);
  expect(decisions).toMatchObject([
    { kind: 'run' },
    { kind: 'deleted', topic: { name: 'rivers', id: 'the old one', partitions: 3 } },
  ]);
});
