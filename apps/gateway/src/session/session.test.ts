/** Sessions as a client sees them: handshake, permissions, expiry, limits, publishing, drain. */
import { ERROR } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { ALL, createHarness } from '../testing/gateway-harness.ts';

const value = (text: string) => ({ value: { text } });

test('connect is answered with who the client is, until when, and the limits', async () => {
  const { open } = createHarness();
  const welcome = (await open()).last('welcome');
  expect(welcome).toMatchObject({ region: 'eu-west', tenant: 'acme', subject: 'alice' });
  expect(welcome.limits.maxFrameBytes).toBeGreaterThan(0);
  expect(welcome.session).toBeUndefined();
});

test('a refused token closes with 4000, and silence with 4104', async () => {
  const { open, client, pass } = createHarness();
  const refused = await open('nonsense');
  expect(refused.last('error').code).toBe('unauthorized');
  expect(refused.closed?.code).toBe(4000);
  const silent = client();
  await pass(9_000);
  expect(silent.closed).toBeUndefined();
  await pass(2_000);
  expect(silent.closed?.code).toBe(4104);
});

test('anything before connect closes with 4002, and what follows connect at once waits for welcome', async () => {
  const { client, pass } = createHarness();
  const early = client();
  early.say({ type: 'describe', id: 1, topic: 'cities' });
  expect(early.closed?.code).toBe(4002);
  const eager = client();
  eager.say({ type: 'connect', token: ALL });
  eager.say({ type: 'publish', id: 1, topic: 'cities', ...value('a') });
  await pass(20);
  expect(eager.frames.map((frame) => frame.type)).toEqual(['welcome', 'published']);
});

test('the socket closes with 4100 when the token expires, unless it was refreshed', async () => {
  const { open, pass } = createHarness();
  const lapsing = await open('acme alice 2000 *:read');
  const refreshing = await open('acme alice 2000 *:read');
  refreshing.say({ type: 'connect', token: ALL });
  await pass(3_000);
  expect(lapsing.closed?.code).toBe(4100);
  expect(refreshing.closed).toBeUndefined();
  expect(refreshing.of('welcome')).toHaveLength(2);
});

test('a refreshed token of another tenant closes, one that allows less ends what it forbids', async () => {
  const { open, pass, broker } = createHarness();
  broker.addTopic('acme.cities', 1);
  const other = await open();
  other.say({ type: 'connect', token: 'evil alice 600000 *:read' });
  const less = await open();
  less.subscribe('cities');
  await pass(20);
  less.say({ type: 'connect', token: 'acme alice 600000 towns:read' });
  await pass(5);
  expect(other.closed?.code).toBe(4001);
  expect(less.last('error')).toMatchObject({ code: 'forbidden' });
  broker.partition('acme.cities', 0);
  less.say({ type: 'cursor', id: 3, topic: 'cities' });
  expect(less.last('error')).toMatchObject({ id: 3, code: 'not-subscribed' });
});

test('permissions hold for reading, writing and resuming alike', async () => {
  const { open, pass } = createHarness();
  const reader = await open('acme bob 600000 cities:read');
  reader.say({ type: 'publish', id: 1, topic: 'cities', ...value('a') });
  reader.subscribe('towns', { id: 2 });
  reader.subscribe('towns', { id: 3, from: 'cursor', cursor: 'x' });
  await pass(20);
  expect(reader.of('error').map(({ id, code }) => [id, code])).toEqual([
    [1, 'forbidden'],
    [2, 'forbidden'],
    [3, 'forbidden'],
  ]);
});

test('bad frames are answered with an error and the session goes on', async () => {
  const { open, pass } = createHarness();
  const client = await open();
  const bad: (object | string)[] = [
    'not json',
    '[]',
    '"x"',
    `{"type":"publish","id":1,"topic":"t","value":{"json":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`,
    { type: 'nonsense', id: 1 },
    { type: 'publish', topic: 'cities', value: null },
    { type: 'publish', id: 1, topic: '__consumer_offsets', value: null },
    { type: 'publish', id: 1, topic: '../x', value: null },
    { type: 'publish', id: 1, topic: 'cities' },
    { type: 'publish', id: 1, topic: 'cities', value: { text: 'a', json: 1 } },
    { type: 'publish', id: 1, topic: 'cities', value: { base64: '***' } },
    { type: 'publish', id: 1, topic: 'cities', value: { text: 7 } },
    { type: 'publish', id: 1, topic: 'cities', value: null, partition: -1 },
    { type: 'publish', id: 1, topic: 'cities', value: null, partition: 1.5 },
    { type: 'publish', id: 1, topic: 'cities', value: null, sequence: 0 },
    '{"type":"publish","id":1,"topic":"cities","value":null,"timestamp":9007199254740993}',
    { type: 'publish', id: 1, topic: 'cities', value: null, headers: [{ name: 'x', value: 3 }] },
    { type: 'subscribe', id: 1, topic: 'cities', from: 'now', credits: {} },
    { type: 'subscribe', id: 1, topic: 'cities', from: 'earliest' },
    { type: 'unsubscribe', id: 1, topic: 'cities' },
    { type: 'credit', topic: 'cities', messages: 1 },
  ];
  for (const frame of bad) client.say(frame);
  client.sayBinary(Buffer.from([2, 0, 0, 0, 2, 0x7b, 0x7d]));
  client.say({ type: 'ping', id: 9 });
  await pass(20);
  expect(client.of('error')).toHaveLength(bad.length + 1);
  expect(client.frames.at(-1)).toEqual({ type: 'pong', id: 9 });
  expect(client.closed).toBeUndefined();
});

test('a silent session is pinged, and closed with 4103 when nothing comes back', async () => {
  const { open, pass } = createHarness();
  const dead = await open();
  const alive = await open();
  for (let step = 0; step < 7; step++) {
    await pass(10_000);
    alive.onHeard();
  }
  expect(dead.pings).toBeGreaterThan(0);
  expect(dead.closed?.code).toBe(4103);
  expect(alive.closed).toBeUndefined();
});

test('a publish is answered with its coordinates; the key chooses the partition as in Kafka', async () => {
  const { open, pass, broker } = createHarness();
  broker.addTopic('acme.cities', 6);
  broker.partition('acme.cities', 3).beginEpoch(4);
  const client = await open();
  client.say({ type: 'publish', id: 1, topic: 'cities', partition: 3, ...value('a') });
  client.say({ type: 'publish', id: 2, topic: 'cities', key: { text: 'FR' }, ...value('b') });
  client.say({ type: 'publish', id: 3, topic: 'cities', partition: 6, ...value('c') });
  await pass(20);
  expect(client.of('published').find(({ id }) => id === 1)).toMatchObject({
    region: 'eu-west',
    topicId: broker.topics.get('acme.cities')?.facts.localId,
    partition: 3,
    epoch: 4,
    offset: 0,
  });
  expect(client.of('published').find(({ id }) => id === 2)?.partition).toBe(0);
  expect(client.last('error')).toMatchObject({ id: 3, code: 'bad-request' });
});

test('publishes of many sessions share batches, one under way per partition', async () => {
  const { open, pass, broker } = createHarness();
  broker.addTopic('acme.cities', 1);
  const clients = [await open(), await open(), await open()];
  for (let round = 0; round < 100; round++) {
    for (const client of clients) client.say({ type: 'publish', id: round, topic: 'cities', ...value(`${round}`) });
  }
  await pass(50);
  expect(clients.flatMap((client) => client.of('published'))).toHaveLength(300);
  expect(broker.partition('acme.cities', 0).end).toBe(300);
  expect(broker.produces).toBeLessThanOrEqual(2);
  const offsets = clients[0]?.of('published').map(({ offset }) => offset) ?? [];
  expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
});

test('a topic that nobody may create is unknown, a copy refuses writes, and an absent broker is said to be unavailable', async () => {
  const { open, pass, broker } = createHarness();
  broker.autoCreate = false;
  broker.addTopic('acme.mirrored', 1, { region: 'us-east', topicId: '00000000-0000-4000-8000-0000000000aa' });
  broker.addTopic('acme.cities', 1);
  const client = await open();
  client.say({ type: 'publish', id: 1, topic: 'nowhere', ...value('a') });
  client.say({ type: 'publish', id: 2, topic: 'mirrored', ...value('a') });
  await pass(20);
  broker.isAway = true;
  client.say({ type: 'publish', id: 3, topic: 'cities', ...value('a') });
  await pass(20);
  const codes = client.of('error').map(({ id, code, retryable }) => [id, code, retryable]);
  codes.sort();
  expect(codes).toEqual([
    [1, 'unknown-topic', false],
    [2, 'forbidden', false],
    [3, 'unavailable', true],
  ]);
});

test('more than the allowed publishes at once are refused, and each is answered', async () => {
  const { open, pass, broker } = createHarness();
  broker.addTopic('acme.cities', 1);
  const client = await open();
  for (let id = 0; id < 1100; id++) client.say({ type: 'publish', id, topic: 'cities', ...value('a') });
  expect(client.of('error')).toHaveLength(76);
  expect(client.last('error')).toMatchObject({ code: 'limit-exceeded', retryable: true });
  await pass(20);
  expect(client.of('published')).toHaveLength(1024);
});

test('an idempotent session: producer at the first publish, duplicates told, resumed by another connection', async () => {
  const { open, client, pass, broker } = createHarness();
  broker.addTopic('acme.cities', 1);
  const publish = (sequence: number, id = sequence) => ({
    type: 'publish',
    id,
    topic: 'cities',
    partition: 0,
    sequence,
    ...value(`${sequence}`),
  });
  const first = await open();
  for (const sequence of [0, 1, 2]) first.say(publish(sequence));
  await pass(30);
  const told = first.of('published');
  expect(told.map(({ offset }) => offset)).toEqual([0, 1, 2]);
  expect(told[0]).toMatchObject({ producerId: 2 ** 40, producerEpoch: 0 });
  expect(told[1]?.session).toBeUndefined();
  const second = client();
  second.say({ type: 'connect', token: ALL, session: told[0]?.session });
  await pass(5);
  expect(second.last('welcome').session).toBe(told[0]?.session);
  for (const sequence of [1, 2, 3]) second.say(publish(sequence));
  second.say(publish(9));
  await pass(30);
  expect(second.of('published').map(({ offset, duplicate }) => [offset, duplicate])).toEqual([
    [1, true],
    [2, true],
    [3, undefined],
  ]);
  expect(second.last('error')).toMatchObject({ id: 9, code: 'out-of-order-sequence' });
});

test("another tenant's session text, or a changed one, is not gone on with", async () => {
  const { open, client, pass, broker } = createHarness();
  broker.addTopic('acme.cities', 1);
  const owner = await open();
  owner.say({ type: 'publish', id: 1, topic: 'cities', partition: 0, sequence: 0, ...value('a') });
  await pass(20);
  const session = owner.last('published').session ?? '';
  for (const [token, text] of [
    ['evil eve 600000 *:write', session],
    [ALL, `${session.slice(0, -3)}AAA`],
  ]) {
    const other = client();
    other.say({ type: 'connect', token, session: text });
    await pass(5);
    expect(other.last('welcome').session).toBeUndefined();
  }
});

test('describe tells the partition count, and creates the topic only for who may write it', async () => {
  const { open, pass } = createHarness();
  const reader = await open('acme bob 600000 *:read');
  reader.say({ type: 'describe', id: 1, topic: 'fresh' });
  await pass(20);
  expect(reader.last('error')).toMatchObject({ id: 1, code: 'unknown-topic' });
  const writer = await open();
  writer.say({ type: 'describe', id: 2, topic: 'fresh' });
  await pass(20);
  expect(writer.last('described')).toMatchObject({ id: 2, topic: 'fresh', partitions: 2 });
});

test('draining answers what is under way, sends last cursors and a drain frame, and closes with 1012', async () => {
  const { open, pass, core, broker, world } = createHarness();
  broker.addTopic('acme.cities', 1);
  const client = await open();
  client.subscribe('cities');
  await pass(20);
  client.say({ type: 'publish', id: 5, topic: 'cities', ...value('last') });
  const stopped = core.stop();
  client.say({ type: 'publish', id: 6, topic: 'cities', ...value('too late') });
  await world.settle(stopped);
  expect(client.last('error')).toMatchObject({ id: 6, code: 'unavailable' });
  expect(client.last('published').id).toBe(5);
  expect(client.frames.slice(-2).map((frame) => frame.type)).toEqual(['cursor', 'drain']);
  expect(client.closed?.code).toBe(1012);
});

test('a record that the broker refuses fails alone, not with the records that shared its batch', async () => {
  const { open, pass, broker } = createHarness();
  const [log] = broker.addTopic('acme.cities', 1);
  const client = await open();
  if (log !== undefined) log.refuses = (batch) => (batch.includes('poison') ? ERROR.INVALID_RECORD : ERROR.NONE);
  const values = ['a', 'b', 'poison', 'c', 'd'];
  for (const [id, text] of values.entries()) client.say({ type: 'publish', id, topic: 'cities', ...value(text) });
  await pass(50);
  expect(client.of('published').map(({ id, offset }) => [id, offset])).toEqual([
    [0, 0],
    [1, 1],
    [3, 2],
    [4, 3],
  ]);
  expect(client.last('error')).toMatchObject({ id: 2, code: 'bad-request' });
});
