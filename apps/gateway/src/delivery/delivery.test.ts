/** What subscribers get: the union of origins, shared frames, credits, back-pressure, resume, gaps, odd batches. */
import { compress } from '@meridian/protocol';
import { emptyBatch, iterateBatches, readRecords, writeBatch } from '@meridian/protocol/record-batch';
import { unpackBinary } from '@meridian/sdk/frames';
import { encodeCursor } from '@meridian/tenancy';
import { expect, test } from 'vitest';
import { createHarness, type Harness, type TestClient } from '../testing/gateway-harness.ts';
import type { MemoryPartition } from '../testing/memory-broker.ts';

const US = { region: 'us-east', topicId: '00000000-0000-4000-8000-0000000000aa' };

function put(log: MemoryPartition, values: readonly (string | Uint8Array | null)[], extra: object = {}): void {
  const records = values.map((value, index) => ({
    timestamp: 1_700_000_000_000 + index,
    key: Buffer.from('k'),
    value: typeof value === 'string' ? Buffer.from(value) : value,
  }));
  log.append(Buffer.from(writeBatch({ records, baseOffset: log.end, leaderEpoch: log.epoch, ...extra })));
}

/** A topic of eu-west and its copy from us-east, one partition each. */
function topics(harness: Harness): { own: MemoryPartition; copy: MemoryPartition } {
  const [own] = harness.broker.addTopic('acme.cities', 1);
  const [copy] = harness.broker.addTopic('us-east.acme.cities', 1, US);
  return { own: own as MemoryPartition, copy: copy as MemoryPartition };
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `#${from + index}`);

async function subscribed(
  harness: Harness,
  extra: object = {},
  protocol?: TestClient['protocol'],
): Promise<TestClient> {
  const client = await harness.open(undefined, protocol);
  client.subscribe('cities', extra);
  await harness.pass(50);
  return client;
}

test('a global topic is the union of its origins, each record with the coordinates of its birth', async () => {
  const harness = createHarness();
  const { own, copy } = topics(harness);
  put(own, ['home']);
  copy.epochStarts = [
    { epoch: 2, startOffset: 0 },
    { epoch: 5, startOffset: 1 },
  ];
  put(copy, ['far']);
  put(copy, ['farther']);
  const client = await subscribed(harness);
  expect(client.frames.slice(1, 3).map((frame) => frame.type)).toEqual(['subscribed', 'cursor']);
  expect(client.last('subscribed').partitions.map(({ region, status, offset }) => [region, status, offset])).toEqual([
    ['eu-west', 'exact', 0],
    ['us-east', 'exact', 0],
  ]);
  const seen = client
    .of('messages')
    .flatMap(({ region, epoch, records }) => records.map(({ offset, value }) => [region, epoch, offset, value]));
  expect(seen).toEqual([
    ['eu-west', 0, 0, { text: 'home' }],
    ['us-east', 2, 0, { text: 'far' }],
    ['us-east', 5, 1, { text: 'farther' }],
  ]);
});

test('a topic named like a copy that is none is not delivered', async () => {
  const harness = createHarness();
  const [impostor] = harness.broker.addTopic('us-east.acme.cities', 1);
  put(impostor as MemoryPartition, ['not from us-east']);
  const client = await subscribed(harness);
  expect(client.last('subscribed').partitions).toEqual([]);
  expect(client.values()).toEqual([]);
});

test('all subscribers at the tail are handed the very same frame', async () => {
  const harness = createHarness();
  const { own } = topics(harness);
  const clients = [await subscribed(harness), await subscribed(harness), await subscribed(harness)];
  put(own, ['x']);
  await harness.pass(5);
  const frames = clients.map((client) => client.shared.at(-1));
  expect(frames[0]).toBeDefined();
  expect(new Set(frames).size).toBe(1);
});

test('clients that catch up from the same place share the reads', async () => {
  const harness = createHarness();
  const { own } = topics(harness);
  for (let batch = 0; batch < 50; batch++) put(own, numbers(batch * 10, batch * 10 + 10));
  const clients: TestClient[] = [];
  for (let index = 0; index < 20; index++) clients.push(await harness.open());
  for (const client of clients) client.subscribe('cities');
  await harness.pass(100);
  for (const client of clients) expect(client.values()).toEqual(numbers(0, 500));
  expect(harness.broker.reads).toBeLessThanOrEqual(3);
});

test('what a new leader does not know yet to be committed is waited for, not passed over', async () => {
  const harness = createHarness();
  const { own } = topics(harness);
  for (const value of numbers(0, 3)) put(own, [value]);
  own.knownEnd = 1;
  const client = await subscribed(harness);
  expect(client.values()).toEqual(['#0']);
  own.knownEnd = undefined;
  await harness.pass(2_000);
  expect(client.values()).toEqual(numbers(0, 3));
});

test('payloads are shown as json, text or base64, whatever fits first; JSON keeps its bytes', async () => {
  const harness = createHarness();
  const { own } = topics(harness);
  const deep = '['.repeat(65) + ']'.repeat(65);
  put(own, ['{"n":9007199254740993}', 'Zürich', Buffer.from([0xff, 0x00]), null, deep, '1', '', '{"a":']);
  const client = await subscribed(harness);
  const frame = client.shared[0]?.payload().toString('utf8') ?? '';
  expect(frame).toContain('"value":{"json":{"n":9007199254740993}}');
  const values = client.of('messages').flatMap(({ records }) => records.map(({ value }) => value));
  expect(values.slice(1)).toEqual([
    { text: 'Zürich' },
    { base64: '/wA=' },
    null,
    { text: deep },
    { json: 1 },
    { text: '' },
    { text: '{"a":' },
  ]);
});

test('control batches and empty batches are not delivered, but their offsets are passed', async () => {
  const harness = createHarness();
  const { own } = topics(harness);
  put(own, ['a']);
  put(own, ['marker'], { control: true });
  own.append(Buffer.from(emptyBatch({ baseOffset: own.end, lastOffset: own.end + 7 })));
  put(own, ['b']);
  const client = await subscribed(harness);
  expect(client.values()).toEqual(['a', 'b']);
  client.say({ type: 'cursor', id: 4, topic: 'cities' });
  const again = await subscribed(harness, { from: 'cursor', cursor: client.last('cursor').cursor });
  expect(again.last('subscribed').partitions[0]).toMatchObject({ status: 'exact', offset: 11 });
});

test('a batch that cannot be decoded is told and delivery goes on behind it', async () => {
  const harness = createHarness();
  const { own } = topics(harness);
  put(own, ['a']);
  const packed = Buffer.from(
    writeBatch({
      records: [{ timestamp: 1, value: Buffer.alloc(90) }, { timestamp: 1 }],
      codec: 'gzip',
      compress,
      baseOffset: 1,
      leaderEpoch: 0,
    }),
  );
  packed.fill(0x55, 70);
  own.append(packed);
  put(own, ['b']);
  const client = await subscribed(harness);
  expect(client.values()).toEqual(['a', 'b']);
  expect(client.last('undecodable')).toMatchObject({ region: 'eu-west', partition: 0, epoch: 0, from: 1, to: 3 });
});

test('compressed batches are shown', async () => {
  const harness = createHarness();
  const { own } = topics(harness);
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) put(own, [codec], { codec, compress });
  expect((await subscribed(harness)).values()).toEqual(['gzip', 'snappy', 'lz4', 'zstd']);
});

test('JSON: no more messages than credits, in smaller frames of its own, and on from there', async () => {
  const harness = createHarness();
  const { own } = topics(harness);
  put(own, numbers(0, 100));
  const client = await subscribed(harness, { credits: { messages: 7, bytes: 100_000 } });
  expect(client.values()).toEqual(numbers(0, 7));
  client.say({ type: 'credit', topic: 'cities', messages: 3 });
  expect(client.values()).toEqual(numbers(0, 10));
  client.say({ type: 'credit', topic: 'cities', messages: 1000 });
  await harness.pass(5);
  expect(client.values()).toEqual(numbers(0, 100));
});

test('JSON: bytes are overdrawn by no more than one record', async () => {
  const harness = createHarness();
  const { own } = topics(harness);
  put(own, numbers(0, 100));
  const client = await subscribed(harness, { credits: { messages: 1000, bytes: 1000 } });
  const bytes = client.shared.reduce((sum, frame) => sum + frame.payloadBytes, 0);
  expect(bytes).toBeGreaterThan(500);
  expect(bytes).toBeLessThan(1300);
  expect(client.values().length).toBeLessThan(20);
});

test('bin: whole batches as they lie in the log, overdrawing at most once', async () => {
  const harness = createHarness();
  const { own } = topics(harness);
  put(own, numbers(0, 50));
  for (let batch = 0; batch < 1000; batch++) put(own, [`filler ${'x'.repeat(100)}`]);
  const client = await subscribed(harness, { credits: { messages: 10, bytes: 100_000 } }, 'meridian.v1.bin');
  expect(client.shared).toHaveLength(1);
  const { kind, header, batches } = unpackBinary<object>(client.shared[0]?.payload() ?? Buffer.alloc(0));
  expect(kind).toBe(1);
  expect(header).toMatchObject({ topic: 'cities', region: 'eu-west', partition: 0, epoch: 0 });
  const first = [...iterateBatches(batches)][0];
  expect(
    [...readRecords(first?.bytes ?? new Uint8Array())].map(({ value }) => Buffer.from(value ?? []).toString()),
  ).toEqual(numbers(0, 50));
});

test('a socket that does not take what it is sent is left alone, then goes on where it was', async () => {
  const harness = createHarness();
  const { own } = topics(harness);
  const client = await subscribed(harness);
  client.bufferedBytes = 2 * 1024 * 1024;
  put(own, numbers(0, 10));
  await harness.pass(1_000);
  put(own, numbers(10, 20));
  expect(client.values()).toEqual([]);
  expect(client.isPaused).toBe(true);
  client.bufferedBytes = 0;
  client.onDrain();
  await harness.pass(5);
  expect(client.values()).toEqual(numbers(0, 20));
  expect(client.isPaused).toBe(false);
});

test('a socket that stays full for two minutes is closed as a slow consumer', async () => {
  const harness = createHarness();
  topics(harness);
  const client = await subscribed(harness);
  client.bufferedBytes = 2 * 1024 * 1024;
  client.say({ type: 'ping', id: 1 });
  for (let minute = 0; minute < 5; minute++) {
    await harness.pass(25_000);
    client.onHeard();
  }
  expect(client.closed?.code).toBe(4101);
});

test('a client goes on from its cursor with nothing missing and nothing twice, in another region too', async () => {
  const eu = createHarness();
  const { own, copy } = topics(eu);
  put(copy, numbers(0, 10));
  put(own, ['e0', 'e1']);
  const client = await subscribed(eu, { credits: { messages: 5, bytes: 100_000 } });
  client.say({ type: 'cursor', id: 2, topic: 'cities' });
  const { cursor } = client.last('cursor');

  const us = createHarness('us-east');
  const [origin] = us.broker.addTopic('acme.cities', 1);
  const facts = us.broker.topics.get('acme.cities')?.facts;
  if (facts !== undefined) Object.assign(facts, { localId: US.topicId, originTopicId: US.topicId });
  put(origin as MemoryPartition, numbers(0, 12));
  const euId = eu.broker.topics.get('acme.cities')?.facts.originTopicId ?? '';
  us.broker.addTopic('eu-west.acme.cities', 1, { region: 'eu-west', topicId: euId });
  const again = await subscribed(us, { from: 'cursor', cursor });
  const statuses = again.last('subscribed').partitions;
  expect(statuses.map(({ region, status, offset, behindBy }) => [region, status, offset, behindBy])).toEqual([
    ['us-east', 'exact', 3, undefined],
    ['eu-west', 'behind', 2, 2],
  ]);
  expect(again.values()).toEqual(numbers(3, 12));
  const late = us.broker.partition('eu-west.acme.cities', 0);
  put(late, ['e0', 'e1', 'e2']);
  await us.pass(5);
  expect(again.values()).toEqual([...numbers(3, 12), 'e2']);
});

test('after advances the cursor', async () => {
  const harness = createHarness();
  const { copy } = topics(harness);
  put(copy, numbers(0, 10));
  const client = await subscribed(harness, { credits: { messages: 1, bytes: 1000 } });
  const after = [{ ...US, partition: 0, epoch: 0, offset: 6 }];
  const again = await subscribed(harness, { from: 'cursor', cursor: client.of('cursor')[0]?.cursor, after });
  expect(again.values()).toEqual(numbers(7, 10));
});

test('after that names a region or partition which cannot be is refused', async () => {
  const harness = createHarness();
  topics(harness);
  const cursor = (await subscribed(harness)).last('cursor').cursor;
  for (const odd of [{ region: 'mars' }, { partition: 10_000 }]) {
    const after = [{ ...US, partition: 0, epoch: 0, offset: 6, ...odd }];
    const client = await subscribed(harness, { from: 'cursor', cursor, after });
    expect(client.last('error')).toMatchObject({ code: 'bad-request', retryable: false });
    expect(client.of('subscribed')).toEqual([]);
  }
});

test('a tampered cursor, and one of another tenant or topic, is refused and leaves no subscription', async () => {
  const harness = createHarness();
  topics(harness);
  const client = await subscribed(harness);
  const { cursor } = client.last('cursor');
  const foreign = encodeCursor(harness.keys, { tenant: 'evil', topic: 'cities' }, []);
  for (const bad of [`${cursor.slice(0, -2)}xx`, foreign, '', 'a'.repeat(10_000)]) {
    const other = await subscribed(harness, { from: 'cursor', cursor: bad });
    expect(other.last('error')).toMatchObject({ id: 1, code: 'bad-cursor' });
    other.subscribe('cities');
    await harness.pass(20);
    expect(other.of('subscribed')).toHaveLength(1);
  }
});

test('records that retention has taken are a gap, at subscribing and while subscribed', async () => {
  const harness = createHarness();
  const { own } = topics(harness);
  for (let batch = 0; batch < 10; batch++) put(own, numbers(batch * 10, batch * 10 + 10));
  const client = await subscribed(harness, { credits: { messages: 5, bytes: 100_000 } });
  client.say({ type: 'cursor', id: 2, topic: 'cities' });
  own.advanceStart(50);
  const again = await subscribed(harness, { from: 'cursor', cursor: client.last('cursor').cursor });
  expect(again.last('subscribed').partitions[0]).toMatchObject({
    status: 'gap',
    offset: 50,
    from: 5,
    to: 50,
    reason: 'retention',
  });
  expect(again.values()).toEqual(numbers(50, 100));
});

test('what an origin lost before it was copied is a gap where it lies, told to readers at the tail and to later ones', async () => {
  const harness = createHarness();
  const { copy } = topics(harness);
  put(copy, ['#0', '#1']);
  const client = await subscribed(harness);
  copy.lostLater.push({ start: 2, end: 7 });
  put(copy, ['#7', '#8'], { baseOffset: 7 });
  await harness.pass(50);
  const told = { region: 'us-east', partition: 0, from: 2, to: 7, reason: 'retention' };
  expect(client.of('gap')).toMatchObject([told]);
  expect(client.values()).toEqual(['#0', '#1', '#7', '#8']);
  const types = client.frames.filter(({ type }) => type === 'messages' || type === 'gap').map(({ type }) => type);
  expect(types).toEqual(['messages', 'gap', 'messages']);
  const later = await subscribed(harness, { credits: { messages: 3, bytes: 1_000_000 } });
  expect(later.of('gap')).toMatchObject([told]);
  expect(later.values()).toEqual(['#0', '#1', '#7']);
});

test('records that their origin has lost are a gap, and what took their place is delivered', async () => {
  const harness = createHarness();
  const { own } = topics(harness);
  put(own, numbers(0, 5));
  put(own, ['lost', 'lost too']);
  const client = await subscribed(harness);
  client.say({ type: 'cursor', id: 2, topic: 'cities' });
  own.truncate(5);
  own.beginEpoch(1);
  put(own, ['new', 'newer', 'newest']);
  await harness.pass(20);
  expect(client.last('gap')).toMatchObject({ region: 'eu-west', partition: 0, from: 5, to: 7, reason: 'diverged' });
  expect(client.values()).toEqual([...numbers(0, 5), 'lost', 'lost too', 'new', 'newer', 'newest']);
  const again = await subscribed(harness, {
    from: 'cursor',
    cursor: client.of('cursor').find(({ id }) => id === 2)?.cursor,
  });
  expect(again.last('subscribed').partitions[0]).toMatchObject({ status: 'gap', from: 5, to: 7, reason: 'diverged' });
});

test('a copy that appears, partitions that are added and a topic that is made anew are noticed while subscribed', async () => {
  const harness = createHarness();
  const client = await subscribed(harness);
  expect(client.last('subscribed').partitions).toEqual([]);
  const [copy] = harness.broker.addTopic('us-east.acme.cities', 1, US);
  put(copy as MemoryPartition, ['first', 'second']);
  await harness.pass(2_000);
  expect(client.values()).toEqual(['first', 'second']);
  const [renewed] = harness.broker.addTopic('us-east.acme.cities', 1, {
    ...US,
    topicId: US.topicId.replace('aa', 'bb'),
  });
  put(renewed as MemoryPartition, ['anew']);
  await harness.pass(2_000);
  expect(client.last('gap')).toMatchObject({ region: 'us-east', reason: 'recreated', from: 2, to: 2 });
  expect(client.values()).toEqual(['first', 'second', 'anew']);
});

test('a cursor comes every second while something is new, every thousand messages, and not otherwise', async () => {
  const harness = createHarness();
  const { own } = topics(harness);
  const client = await subscribed(harness);
  await harness.pass(3_000);
  expect(client.of('cursor')).toHaveLength(1);
  put(own, ['x']);
  await harness.pass(1_500);
  expect(client.of('cursor')).toHaveLength(2);
  for (let batch = 0; batch < 25; batch++) put(own, numbers(0, 100));
  expect(client.of('cursor')).toHaveLength(4);
});

test('delivery goes on by itself when the broker has been away', async () => {
  const harness = createHarness();
  const { own } = topics(harness);
  for (let batch = 0; batch < 30; batch++) put(own, [`${batch} ${'x'.repeat(60_000)}`]);
  const client = await subscribed(harness, { credits: { messages: 2, bytes: 1_000_000 } });
  harness.broker.isAway = true;
  client.say({ type: 'credit', topic: 'cities', messages: 100, bytes: 100_000_000 });
  await harness.pass(2_000);
  expect(client.values().length).toBeLessThan(30);
  harness.broker.isAway = false;
  await harness.pass(2_000);
  expect(client.values()).toHaveLength(30);
});

test('after unsubscribing nothing comes, and the topic can be subscribed to again', async () => {
  const harness = createHarness();
  const { own } = topics(harness);
  const client = await subscribed(harness);
  client.subscribe('cities', { id: 2 });
  expect(client.last('error')).toMatchObject({ id: 2, code: 'already-subscribed' });
  client.say({ type: 'unsubscribe', id: 3, topic: 'cities' });
  put(own, ['unseen']);
  await harness.pass(20);
  expect(client.values()).toEqual([]);
  expect(own.tails.size).toBe(0);
  client.subscribe('cities', { id: 4, from: 'latest' });
  await harness.pass(20);
  put(own, ['seen']);
  await harness.pass(20);
  expect(client.values()).toEqual(['seen']);
});

test.each(['meridian.v1.json', 'meridian.v1.bin'] as const)(
  'a batch that is none is told as undecodable, and delivery goes on behind it: %s',
  async (protocol) => {
    const harness = createHarness();
    const { own } = topics(harness);
    put(own, numbers(0, 2));
    const client = await subscribed(harness, {}, protocol);
    for (const { handlers } of own.tails) {
      handlers.onSlice({ buffers: [], epochs: [], undecodable: { from: 2, to: 5, reason: 'a batch of magic 1' } });
    }
    own.end = 5;
    put(own, ['behind']);
    await harness.pass(5);
    expect(client.of('undecodable')).toMatchObject([{ from: 2, to: 5, epoch: -1, reason: 'a batch of magic 1' }]);
    if (protocol === 'meridian.v1.json') expect(client.values()).toEqual(['#0', '#1', 'behind']);
    else expect(client.shared.filter(({ binary }) => binary)).toHaveLength(2);
  },
);
