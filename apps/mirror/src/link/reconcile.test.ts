import { expect, test } from 'vitest';
import { ORIGIN_REGION, ORIGIN_TOPIC_ID, reconcile, type TopicFacts } from './reconcile.ts';

const LIMITS = { maxTopicNameLength: 249 };

function topic(name: string, partitions = 1, configs: Record<string, string> | undefined = {}, id = name): TopicFacts {
  return { name, id, partitions, configs: configs && new Map(Object.entries(configs)) };
}

const decide = (source: TopicFacts[], target: TopicFacts[] = []) =>
  reconcile('us-east', source, new Map(target.map((each) => [each.name, each])), LIMITS);

const copyOf = (name: string, partitions = 1, id = name, region = 'us-east'): TopicFacts =>
  topic(`us-east.${name}`, partitions, { [ORIGIN_REGION]: region, [ORIGIN_TOPIC_ID]: id }, 'the copy');

test('a new topic gets a copy with its partitions and the configs that follow', () => {
  const [decision] = decide([topic('cities', 6, { 'retention.ms': '1000', 'segment.bytes': '9' })]);
  expect(decision).toMatchObject({ kind: 'create', copy: 'us-east.cities', partitions: 6 });
  expect(Object.keys((decision as { configs: object }).configs)).toEqual([
    'retention.ms',
    'meridian.origin.region',
    'meridian.origin.topic.id',
    'meridian.origin.incarnation',
  ]);
});

test('copies are known by their configs whatever they are called, and names that look like copies are none', () => {
  const decisions = decide([
    topic('plain-name', 1, { [ORIGIN_REGION]: 'eu-west' }),
    topic('eu-west.looks-like-one'),
    topic('__consumer_offsets'),
    { ...topic('not-described-yet'), configs: undefined },
  ]);
  expect(decisions.map((decision) => decision.kind)).toEqual(['create']);
});

test('a grown topic grows its copy, and what is there already is mirrored meanwhile', () => {
  const decisions = decide([topic('cities', 4)], [copyOf('cities', 2)]);
  expect(decisions).toMatchObject([
    { kind: 'grow', copy: 'us-east.cities', partitions: 4 },
    { kind: 'run', copy: 'us-east.cities', partitions: 2 },
  ]);
});

test('a copy of another topic id, of another region, and a name too long are halted with the reason', () => {
  const reasonOf = (source: TopicFacts, ...target: TopicFacts[]) => {
    const [decision] = decide([source], target);
    return decision?.kind === 'halt' ? decision.reason : decision?.kind;
  };
  expect(reasonOf(topic('cities'), copyOf('cities', 1, 'older'))).toMatch(/its id is cities, our copy is of older/);
  expect(reasonOf(topic('cities'), copyOf('cities', 1, 'cities', 'ap'))).toMatch(/is a copy from ap/);
  expect(reasonOf(topic('cities'), topic('us-east.cities'))).toMatch(/is a topic that is no copy/);
  expect(reasonOf(topic('x'.repeat(245)))).toMatch(/longer than 249/);
});

test('a copy whose origin is not there is told, with what it knows of it; copies from elsewhere are not ours to judge', () => {
  const foreign = topic('us-east.lakes', 1, { [ORIGIN_REGION]: 'ap', [ORIGIN_TOPIC_ID]: 'lakes' });
  const decisions = decide([topic('cities')], [copyOf('cities'), copyOf('rivers', 3, 'the old one'), foreign]);
  expect(decisions).toMatchObject([
    { kind: 'run', copy: 'us-east.cities' },
    { kind: 'deleted', copy: 'us-east.rivers', topic: { name: 'rivers', id: 'the old one', partitions: 3 } },
  ]);
});
