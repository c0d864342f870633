import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CoordinateError } from './errors.ts';
import {
  type CopyFacts,
  decodeFacts,
  decodeFactsKey,
  encodeFacts,
  encodeFactsKey,
  factsOfConfigs,
} from './topic-facts.ts';

const ID = '00000000-0000-4000-8000-00000000000a';
const text = fc.string({ minLength: 1, maxLength: 30 });
const facts: fc.Arbitrary<CopyFacts> = fc.record(
  {
    ...{ copy: text, copyId: fc.constant(ID), originRegion: text, originTopic: text, originTopicId: text, link: text },
    incarnation: fc.integer({ min: 1 }),
    policy: fc.constantFrom('prefix', 'identity'),
    promotedAt: fc.array(fc.nat()),
    isSealed: fc.constant(true as const),
    start: text,
  },
  {
    requiredKeys: [
      ...(['copy', 'copyId', 'originRegion', 'originTopic', 'originTopicId'] as const),
      ...(['incarnation', 'policy', 'link'] as const),
    ],
  },
);

test('facts read back as they were written', () => {
  fc.assert(
    fc.property(facts, (written) => {
      expect(decodeFactsKey(encodeFactsKey(written.copyId))).toBe(ID);
      expect(decodeFacts(ID, encodeFacts(written))).toEqual(written);
    }),
  );
});

test('a field that is missing, unknown or of another kind, and another version, make the record unreadable', () => {
  const good = JSON.parse(
    encodeFacts({
      ...{ copy: 'us.orders', copyId: ID, originRegion: 'us', originTopic: 'orders', originTopicId: 'x' },
      ...{ incarnation: 1, policy: 'prefix', link: '' },
    }).toString(),
  );
  const read = (change: object) => () => decodeFacts(ID, Buffer.from(JSON.stringify({ ...good, ...change })));
  expect(read({})()).toMatchObject({ copy: 'us.orders', copyId: ID });
  for (const change of [{ v: 2 }, { more: 1 }, { incarnation: 0 }, { copy: undefined }, { promotedAt: [-1] }])
    expect(read(change)).toThrow(CoordinateError);
  for (const bytes of ['', '[]', 'null', '{', '7']) expect(() => decodeFacts(ID, Buffer.from(bytes))).toThrow('topic');
});

test('on our own brokers the configs tell the same', () => {
  const configs = {
    'meridian.origin.region': 'us',
    'meridian.origin.topic.id': 'x',
    'meridian.origin.incarnation': '3',
  };
  const of = (more: object) => factsOfConfigs('us.orders', ID, new Map(Object.entries({ ...configs, ...more })));
  expect(of({})).toEqual({
    ...{ copy: 'us.orders', copyId: ID, originRegion: 'us', originTopic: 'orders', originTopicId: 'x' },
    ...{ incarnation: 3, policy: 'prefix', link: '' },
  });
  const promoted = of({
    'meridian.origin.promoted': '5,0',
    'meridian.origin.topic': 'o',
    'meridian.origin.policy': 'identity',
  });
  expect(promoted).toMatchObject({ promotedAt: [5, 0], originTopic: 'o', policy: 'identity' });
  expect(of({ 'meridian.origin.promoted': 'sealed' })).not.toHaveProperty('promotedAt');
  expect(factsOfConfigs('orders', ID, new Map())).toBeUndefined();
});
