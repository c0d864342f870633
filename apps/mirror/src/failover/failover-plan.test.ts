import type { CopyFacts } from '@meridian/coordinates';
import { expect, test } from 'vitest';
import { writeMark } from '../groups/commit-mark.ts';
import type { GroupPartitionStatus } from '../groups/messages.ts';
import type { PartitionStatus } from '../status.ts';
import { type Copy, failoverPlan, type PlanInput } from './failover-plan.ts';
import { topicsOfScope } from './scope.ts';

function copyOf(topic: string, more: Partial<CopyFacts> = {}, partitions = 1): Copy {
  const origin: CopyFacts = {
    ...{ copy: topic, copyId: `id of ${topic}`, originRegion: 'us', originTopic: topic, originTopicId: topic },
    ...{ incarnation: 1, policy: 'identity', link: 'us-eu', ...more },
  };
  return { name: origin.copy, id: origin.copyId, partitions, configs: new Map(), origin };
}

function planOf(more: Partial<PlanInput>) {
  const nothing = { copyEnds: new Map(), origins: new Map(), statuses: new Map(), followed: [], commits: [] };
  const scope = { kind: 'topic', name: 'orders' } as const;
  return failoverPlan({ scope, to: 'eu', atMs: 1, copies: [], isEmbedded: true, ...nothing, ...more });
}

const status = (more: Partial<PartitionStatus>) =>
  ({
    topic: 'orders',
    copy: 'orders',
    partition: 0,
    state: 'retrying',
    reason: 'no answer',
    ...more,
  }) as PartitionStatus;

test('what an origin that is gone had as last heard, and is not here, is lost', () => {
  const statuses = new Map([['us', [status({ sourceEnd: 100, heardMs: 9_000, oldestUnmirroredMs: 12_000 })]]]);
  const plan = planOf({ copies: [copyOf('orders')], copyEnds: new Map([['orders 0', 90]]), statuses });
  expect(plan).toMatchObject({ loses: 10, unknown: 0, refusal: null });
  expect(plan.origins).toEqual([{ region: 'us', isReachable: false, heardMs: 9_000 }]);
  expect(plan.topics[0]!.partitions[0]).toMatchObject({ notCopied: 10, oldestMs: 12_000, heardMs: 9_000 });
});

test('what nobody knows is not taken for nothing', () => {
  const plan = planOf({ copies: [copyOf('orders', {}, 2)], copyEnds: new Map([['orders 0', 90]]) });
  expect(plan).toMatchObject({ loses: 0, unknown: 2 });
});

test('a re-based copy is measured in its origin’s offsets', () => {
  const statuses = new Map([['us', [status({ position: 80, sourceEnd: 100, heardMs: 0 })]]]);
  const copyEnds = new Map([['orders 0', 300]]);
  const plan = planOf({ copies: [copyOf('orders')], isEmbedded: false, copyEnds, statuses });
  expect(plan.topics[0]!.partitions[0]).toMatchObject({ copyEnd: 300, notCopied: 20 });
});

test('writers of a topic that would be promoted must stop, those of one that is only read need not', () => {
  const writers = new Map([['orders 0', [{ producerId: 7, agoMs: 3_400 }]]]);
  const origins = new Map([['us', { isReachable: true, ends: new Map([['orders 0', 90]]), writers }]]);
  const copyEnds = new Map([['orders 0', 90]]);
  const refusal = 'us is alive: producer 7 wrote to orders-0 3 s ago; stop it first';
  expect(planOf({ copies: [copyOf('orders')], origins, copyEnds }).refusal).toBe(refusal);
  const prefixed = copyOf('orders', { policy: 'prefix', copy: 'us.orders' });
  expect(planOf({ copies: [prefixed], origins, copyEnds }).refusal).toBeNull();
  const promoted = copyOf('orders', { promotedAt: [90] });
  expect(planOf({ copies: [promoted], origins, copyEnds })).toMatchObject({ refusal: null, steps: [], loses: 0 });
});

test('groups re-read what lies between their place here and what they processed; without a commit nobody knows', () => {
  const at = { group: 'billing', topic: 'orders', partition: 0, counterpart: 'orders', reason: null };
  const followed: GroupPartitionStatus[] = [
    {
      ...at,
      sourceOffset: 80,
      translation: { status: 'exact', offset: 80 },
      wantedOffset: 80,
      targetOffset: 50,
      state: 'live',
    },
    {
      ...{ ...at, group: 'audit', sourceOffset: 5, translation: { status: 'exact', offset: 5 }, wantedOffset: 5 },
      ...{ targetOffset: null, state: 'waiting' },
    },
  ];
  const place = { topic: 'orders', partition: 0, state: 'Empty' };
  const mark = writeMark({ author: 'us', offset: 33, metadata: '' });
  const commits = [
    { ...place, group: 'billing', offset: 50, metadata: '' },
    { ...place, group: 'heard of before', offset: 33, metadata: mark },
  ];
  expect(planOf({ copies: [copyOf('orders')], followed, commits }).groups).toMatchObject([
    { group: 'billing', sourceOffset: 80, targetOffset: 50, rereads: 30 },
    { group: 'heard of before', sourceOffset: 33, targetOffset: 33, rereads: null },
    { group: 'audit', sourceOffset: 5, targetOffset: null, rereads: null },
  ]);
});

test('a name is a region, a topic, or a tenant with all that it has', () => {
  const topics = [copyOf('acme.orders'), copyOf('acme.bills'), copyOf('acme', { originRegion: 'ap' })];
  const regions = new Set(['us', 'ap']);
  const named = (name: string, from?: string) => {
    const { scope, topics: found } = topicsOfScope(name, from, regions, topics);
    return [scope.kind, ...found.map((topic) => topic.name)];
  };
  expect(named('us')).toEqual(['region', 'acme.orders', 'acme.bills']);
  expect(named('acme')).toEqual(['topic', 'acme']);
  expect(named('acme', 'us')).toEqual(['tenant', 'acme.orders', 'acme.bills']);
  expect(named('acme.bills')).toEqual(['topic', 'acme.bills']);
  expect(named('nobody')).toEqual(['tenant']);
});
