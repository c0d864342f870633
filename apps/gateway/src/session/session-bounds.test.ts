/** Bounds of a session and of a tenant, and requests that overtake each other: each is answered, to its id. */
import { expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { createHarness } from '../testing/gateway-harness.ts';

const CREDITS = { messages: 10, bytes: 10_000 };

test('a subscribe that unsubscribe overtakes is answered too', async () => {
  const harness = createHarness();
  harness.broker.addTopic('acme.cities', 1);
  const client = await harness.open();
  client.say({ type: 'subscribe', id: 1, topic: 'cities', from: 'earliest', credits: CREDITS });
  client.say({ type: 'unsubscribe', id: 2, topic: 'cities' });
  client.say({ type: 'subscribe', id: 3, topic: 'cities', from: 'earliest', credits: CREDITS });
  await harness.pass(50);
  expect(client.last('unsubscribed').id).toBe(2);
  expect(client.of('error')).toMatchObject([{ id: 1, code: 'not-subscribed', retryable: false }]);
  expect(client.of('subscribed').map(({ id }) => id)).toEqual([3]);
});

test('one subscription more than allowed is refused for good', async () => {
  const harness = createHarness();
  const client = await harness.open();
  for (let id = 1; id <= LIMITS.maxSubscriptions + 1; id++) {
    client.say({ type: 'subscribe', id, topic: `t${id}`, from: 'earliest', credits: CREDITS });
    await harness.pass(5);
  }
  expect(client.of('subscribed')).toHaveLength(LIMITS.maxSubscriptions);
  expect(client.of('error')).toMatchObject([{ code: 'too-many-subscriptions', retryable: false }]);
});

test('a tenant gets so many topics by use, and another one is not affected', async () => {
  const harness = createHarness();
  for (let n = 2; n < LIMITS.maxTopicsPerTenant; n++) harness.broker.addTopic(`acme.t${n}`, 1);
  harness.broker.addTopic('acme2.other', 1);
  const client = await harness.open();
  client.say({ type: 'describe', id: 1, topic: 'new1' });
  client.say({ type: 'publish', id: 2, topic: 'new2', value: { text: 'x' } });
  client.say({ type: 'describe', id: 3, topic: 'new3' });
  client.say({ type: 'publish', id: 4, topic: 't5', value: { text: 'x' } });
  await harness.pass(50);
  client.say({ type: 'publish', id: 5, topic: 'new4', value: { text: 'x' } });
  await harness.pass(50);
  expect(client.of('error').map(({ id, code }) => [id, code])).toEqual([
    [3, 'limit-exceeded'],
    [5, 'limit-exceeded'],
  ]);
  expect(client.of('error').some(({ retryable }) => retryable)).toBe(false);
  expect(
    client
      .of('published')
      .map(({ id }) => id)
      .sort(),
  ).toEqual([2, 4]);
  const other = await harness.open('acme2 bob 600000 *:read,write');
  other.say({ type: 'describe', id: 1, topic: 'mine' });
  await harness.pass(50);
  expect(other.of('described')).toHaveLength(1);
});

test('a topic that was deleted makes room for another', async () => {
  const harness = createHarness();
  for (let n = 0; n < LIMITS.maxTopicsPerTenant; n++) harness.broker.addTopic(`acme.t${n}`, 1);
  const client = await harness.open();
  client.say({ type: 'describe', id: 1, topic: 'new' });
  await harness.pass(50);
  expect(client.last('error').code).toBe('limit-exceeded');
  harness.broker.topics.delete('acme.t7');
  await harness.pass(LIMITS.topicCountMaxAgeMs);
  client.say({ type: 'describe', id: 2, topic: 'new' });
  await harness.pass(50);
  expect(client.last('described').id).toBe(2);
});
