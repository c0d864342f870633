/** Clients of a topic whose region is lost: its identity copy elsewhere is promoted, and they go on in it. */
import { PROMOTED_EPOCH } from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { createHarness, type Harness } from '../testing/gateway-harness.ts';
import type { MemoryPartition } from '../testing/memory-broker.ts';

const NAME = 'acme.cities';
const ORIGIN_ID = '00000000-0000-4000-8000-0000000000aa';

function put(log: MemoryPartition, values: readonly string[]): void {
  const records = values.map((value) => ({ timestamp: 1, key: null, value: Buffer.from(value) }));
  log.produce(Buffer.from(writeBatch({ records })));
}

function identityCopy(harness: Harness): MemoryPartition {
  return harness.broker.addTopic(NAME, 1, { region: 'us-east', topicId: ORIGIN_ID })[0]!;
}

/** What the mirror does when the region takes over. */
function promote(harness: Harness, log: MemoryPartition): void {
  const topic = harness.broker.topics.get(NAME)!;
  const promoted = { region: 'us-east', topicId: ORIGIN_ID, cuts: [log.end] };
  const { localId } = topic.facts;
  topic.facts = { ...topic.facts, originRegion: 'eu-west', originTopicId: localId, isCopy: false, promoted };
  log.beginEpoch(PROMOTED_EPOCH);
  log.epoch = 0;
}

async function reader(harness: Harness, extra: object = {}) {
  const client = await harness.open();
  client.subscribe('cities', extra);
  await harness.pass(50);
  return client;
}

test('whoever reads a copy while it is promoted goes on in it, nothing twice and nothing missing', async () => {
  const harness = createHarness();
  const log = identityCopy(harness);
  put(log, ['a', 'b']);
  const client = await reader(harness);
  promote(harness, log);
  put(log, ['c']);
  await harness.pass(3_000);
  expect(client.values()).toEqual(['a', 'b', 'c']);
  expect(client.of('gap')).toEqual([]);
});

test('what is written before the gateway looks again is not taken for the origin’s: a cursor of that moment is exact', async () => {
  const harness = createHarness();
  const log = identityCopy(harness);
  put(log, ['a', 'b']);
  const client = await reader(harness);
  await harness.pass(1_500);
  promote(harness, log);
  put(log, ['c', 'd']);
  await harness.pass(100);
  expect(client.values()).toEqual(['a', 'b']);
  const { cursor } = client.last('cursor');
  await harness.pass(3_000);
  expect(client.values()).toEqual(['a', 'b', 'c', 'd']);
  const again = await reader(harness, { from: 'cursor', cursor });
  expect(again.last('subscribed').partitions).toMatchObject([{ region: 'eu-west', status: 'exact', offset: 2 }]);
  expect(again.values()).toEqual(['c', 'd']);
});

test('a cursor of the lost region is exact in the promoted topic, and is one of the new topic from then on', async () => {
  const harness = createHarness();
  const log = identityCopy(harness);
  put(log, ['a', 'b', 'c']);
  const before = await reader(harness, { credits: { messages: 2, bytes: 1_000 } });
  expect(before.values()).toEqual(['a', 'b']);
  await harness.pass(1_500);
  const { cursor } = before.last('cursor');
  promote(harness, log);
  put(log, ['d']);
  await harness.pass(1_500);
  const after = await reader(harness, { from: 'cursor', cursor });
  expect(after.last('subscribed').partitions).toMatchObject([{ region: 'eu-west', status: 'exact', offset: 2 }]);
  expect(after.values()).toEqual(['c', 'd']);
  await harness.pass(1_500);
  const again = await reader(harness, { from: 'cursor', cursor: after.last('cursor').cursor });
  expect(again.last('subscribed').partitions).toMatchObject([{ region: 'eu-west', status: 'exact', offset: 4 }]);
});

test('records that only the lost region had are told as a gap, and all that the promoted topic has got since is read', async () => {
  const harness = createHarness();
  const log = identityCopy(harness);
  put(log, ['a', 'b', 'c']);
  const before = await reader(harness);
  await harness.pass(1_500);
  const { cursor } = before.last('cursor');
  log.truncate(1); // the copy here is one that never got more than the first record
  promote(harness, log);
  put(log, ['d', 'e', 'f']);
  await harness.pass(1_500);
  const after = await reader(harness, { from: 'cursor', cursor });
  expect(after.last('subscribed').partitions).toMatchObject([
    { status: 'gap', reason: 'diverged', offset: 1, from: 1, to: 3 },
  ]);
  expect(after.values()).toEqual(['d', 'e', 'f']);
});
