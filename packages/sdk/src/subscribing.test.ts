import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { packBinary } from './binary-frames.ts';
import type { MessagesFrame, PartitionStatus } from './frames.ts';
import { connect, type Gap, type Subscription } from './sdk.ts';
import { createFakeWorld, type FakeWorld, ORIGIN, WELCOME } from './testing/fake-gateway.ts';

async function connected(protocol: 'json' | 'bin' = 'json') {
  const world = createFakeWorld();
  const connecting = connect({ urls: ['ws://eu'], token: 'T', protocol, runtime: world.runtime });
  await world.pass(0);
  world.socket.open();
  world.socket.receive(WELCOME);
  return { world, meridian: await connecting };
}

const messages = (from: number, to: number, epoch = 0): MessagesFrame => ({
  type: 'messages',
  topic: 't',
  ...ORIGIN,
  epoch,
  records: Array.from({ length: to - from }, (_, n) => ({
    offset: from + n,
    timestamp: 5,
    key: { text: 'k' },
    value: { json: { n: from + n } },
  })),
});
const status = (offset: number, more: Partial<PartitionStatus> = {}): PartitionStatus => ({
  ...ORIGIN,
  status: 'exact',
  offset,
  ...more,
});

function subscribed(world: FakeWorld, ...partitions: PartitionStatus[]): void {
  const id = world.socket.all('subscribe').at(-1)?.id ?? 0;
  world.socket.receive({ type: 'subscribed', id, topic: 't', partitions });
}

async function reconnect(world: FakeWorld): Promise<void> {
  world.socket.drop(1006);
  await world.pass(200);
  world.socket.open();
  world.socket.receive(WELCOME);
}

/** Offsets as they come, for ever. */
function collect(subscription: Subscription): { offsets: number[]; error: () => Error | undefined } {
  const offsets: number[] = [];
  let error: Error | undefined;
  void (async () => {
    for await (const { offset } of subscription) offsets.push(offset);
  })().catch((reason) => {
    error = reason;
  });
  return { offsets, error: () => error };
}

test('a message has its coordinates, and its value as bytes, text and JSON', async () => {
  const { world, meridian } = await connected();
  const subscription = meridian.subscribe('t', { from: 'earliest' });
  expect(world.socket.all('subscribe')).toEqual([
    { type: 'subscribe', id: 1, topic: 't', from: 'earliest', credits: { messages: 100, bytes: 100_000 } },
  ]);
  subscribed(world, status(0));
  world.socket.receive(messages(3, 4, 2));
  const { value: message } = await subscription.next();
  const { region, partition, epoch, offset, timestamp } = message!;
  expect([region, partition, epoch, offset, timestamp]).toEqual(['us-east', 0, 2, 3, 5]);
  expect([message!.keyText(), message!.text(), message!.json()]).toEqual(['k', '{"n":3}', { n: 3 }]);
  expect(message!.value).toEqual(new TextEncoder().encode('{"n":3}'));
});

test('credits go back when the reader is done with half of the window', async () => {
  const { world, meridian } = await connected();
  const { offsets } = collect(meridian.subscribe('t', { from: 'earliest' }));
  subscribed(world, status(0));
  world.socket.receive(messages(0, 49));
  await world.pass(0);
  expect(world.socket.all('credit')).toEqual([]);
  world.socket.receive(messages(49, 60));
  await world.pass(0);
  expect(offsets).toHaveLength(60);
  expect(world.socket.all('credit').map(({ messages: count }) => count)).toEqual([60]);
});

test('a reader that stands still gets no more than the window, also over a reconnect', async () => {
  const { world, meridian } = await connected();
  meridian.subscribe('t', { from: 'earliest' });
  subscribed(world, status(0));
  world.socket.receive(messages(0, 80));
  await reconnect(world);
  expect(world.socket.all('subscribe')[0]?.credits.messages).toBe(20);
});

test('after a reconnect it resumes from the last cursor and what came after it, and drops what it has', async () => {
  const { world, meridian } = await connected();
  const { offsets } = collect(meridian.subscribe('t', { from: 'earliest' }));
  subscribed(world, status(0));
  world.socket.receive(messages(0, 3), { type: 'cursor', topic: 't', cursor: 'C1' }, messages(3, 5, 1));
  await reconnect(world);
  expect(world.socket.all('subscribe')[0]).toMatchObject({
    from: 'cursor',
    cursor: 'C1',
    after: [{ ...ORIGIN, epoch: 1, offset: 4 }],
  });
  subscribed(world, status(5));
  world.socket.receive(messages(3, 7));
  await world.pass(0);
  expect(offsets).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

test('messages of the connection before it was subscribed again are not taken', async () => {
  const { world, meridian } = await connected();
  const subscription = meridian.subscribe('t', { from: 'latest' });
  world.socket.receive(messages(0, 3));
  subscribed(world, status(3));
  world.socket.receive(messages(3, 4));
  expect((await subscription.next()).value?.offset).toBe(3);
});

test('a gap is told at its place, with its reason', async () => {
  const { world, meridian } = await connected();
  const subscription = meridian.subscribe('t', { from: { cursor: 'C0', after: [{ ...ORIGIN, epoch: 0, offset: 4 }] } });
  const gaps: Gap[] = [];
  subscription.onGap = (gap) => gaps.push(gap);
  const { offsets } = collect(subscription);
  subscribed(world, status(9, { status: 'gap', from: 5, to: 9, reason: 'retention' }));
  world.socket.receive(messages(9, 10), { type: 'gap', topic: 't', ...ORIGIN, from: 10, to: 12, reason: 'retention' });
  world.socket.receive(messages(10, 13));
  await world.pass(0);
  expect(gaps.map(({ from, to, reason }) => [from, to, reason])).toEqual([
    [5, 9, 'retention'],
    [10, 12, 'retention'],
  ]);
  expect(offsets).toEqual([9, 12]);
});

test('a gap that nobody listens to ends the iteration with an error', async () => {
  const { world, meridian } = await connected();
  const { offsets, error } = collect(meridian.subscribe('t', { from: 'earliest' }));
  subscribed(world, status(0));
  world.socket.receive(messages(0, 2), { type: 'gap', topic: 't', ...ORIGIN, from: 2, to: 4, reason: 'retention' });
  await world.pass(0);
  expect(offsets).toEqual([0, 1]);
  expect(error()?.message).toContain('us-east t-0: offsets 2 to 4 (retention)');
  expect(world.socket.all('unsubscribe')).toHaveLength(1);
});

test('an origin that lost records may give their offsets again: the position goes back with the gap', async () => {
  const { world, meridian } = await connected();
  const subscription = meridian.subscribe('t', { from: 'earliest' });
  subscription.onGap = () => undefined;
  const { offsets } = collect(subscription);
  subscribed(world, status(0));
  world.socket.receive(messages(0, 5), { type: 'cursor', topic: 't', cursor: 'C1' });
  await reconnect(world);
  subscribed(world, status(3, { status: 'gap', from: 3, to: 5, reason: 'diverged' }));
  world.socket.receive(messages(3, 6, 1));
  await world.pass(0);
  expect(offsets).toEqual([0, 1, 2, 3, 4, 3, 4, 5]);
});

test('a connection that broke before the first cursor: what that left out is a gap', async () => {
  const { world, meridian } = await connected();
  const subscription = meridian.subscribe('t', { from: 'latest' });
  const gaps: Gap[] = [];
  subscription.onGap = (gap) => gaps.push(gap);
  collect(subscription);
  subscribed(world, status(10));
  await reconnect(world);
  subscribed(world, status(15));
  await world.pass(0);
  expect(gaps).toEqual([{ topic: 't', ...ORIGIN, from: 10, to: 15, reason: 'no-cursor' }]);
});

test('cursor() covers what was handed out and no more', async () => {
  const { world, meridian } = await connected();
  const subscription = meridian.subscribe('t', { from: 'earliest' });
  subscribed(world, status(0));
  expect(subscription.cursor()).toBeUndefined();
  world.socket.receive({ type: 'cursor', topic: 't', cursor: 'C0' }, messages(0, 2));
  world.socket.receive({ type: 'cursor', topic: 't', cursor: 'C1' }, messages(2, 4));
  await subscription.next();
  expect(subscription.cursor()).toEqual({ cursor: 'C0', after: [{ ...ORIGIN, epoch: 0, offset: 0 }] });
  await subscription.next();
  await subscription.next();
  expect(subscription.cursor()).toEqual({ cursor: 'C1', after: [{ ...ORIGIN, epoch: 0, offset: 2 }] });
});

test('leaving the loop unsubscribes; the topic can be subscribed again', async () => {
  const { world, meridian } = await connected();
  const subscription = meridian.subscribe('t', { from: 'earliest' });
  expect(() => meridian.subscribe('t', { from: 'earliest' })).toThrow('already-subscribed');
  subscribed(world, status(0));
  world.socket.receive(messages(0, 2));
  for await (const message of subscription) if (message.offset === 0) break;
  expect(world.socket.all('unsubscribe')).toHaveLength(1);
  meridian.subscribe('t', { from: 'latest' });
  expect(world.socket.all('subscribe')).toHaveLength(2);
});

test('a refused subscription ends the iteration with the gateway’s code; a retryable refusal is tried again', async () => {
  const { world, meridian } = await connected();
  const { error } = collect(meridian.subscribe('t', { from: 'earliest' }));
  world.socket.receive({ type: 'error', id: 1, code: 'unavailable', message: 'later', retryable: true });
  await world.pass(1_000);
  expect(world.socket.all('subscribe')).toHaveLength(2);
  world.socket.receive({ type: 'error', id: 3, code: 'forbidden', message: 'no', retryable: false });
  await world.pass(0);
  expect(error()?.message).toBe('forbidden: no');
});

test('raw batches are read from the wanted offset on; one that cannot be read is told and passed over', async () => {
  const { world, meridian } = await connected('bin');
  const subscription = meridian.subscribe('t', { from: 'earliest' });
  const undecodable: number[][] = [];
  subscription.onUndecodable = ({ from, to }) => undecodable.push([from, to]);
  const { offsets } = collect(subscription);
  subscribed(world, status(11));
  const record = (text: string) => ({ timestamp: 1, value: new TextEncoder().encode(text) });
  const good = writeBatch({ baseOffset: 10, records: [record('a'), record('b')] });
  const packed = writeBatch({
    baseOffset: 12,
    records: [record('c')],
    codec: 'snappy',
    compress: (_codec, bytes) => bytes,
  });
  const last = writeBatch({ baseOffset: 13, records: [record('d')] });
  world.socket.receive(packBinary(1, { topic: 't', ...ORIGIN, epoch: 0 }, [good, packed, last]));
  await world.pass(0);
  expect(offsets).toEqual([11, 13]);
  expect(undecodable).toEqual([[12, 13]]);
});

test('an unavailable partition moves nothing; its later status does, and is merged into what is known', async () => {
  const { world, meridian } = await connected();
  const subscription = meridian.subscribe('t', { from: 'earliest' });
  const gaps: Gap[] = [];
  subscription.onGap = (gap) => gaps.push(gap);
  const { offsets } = collect(subscription);
  subscribed(world, status(0), status(0, { partition: 1 }));
  world.socket.receive(messages(0, 3));
  await reconnect(world);
  subscribed(world, status(7, { status: 'unavailable' }), status(0, { partition: 1 }));
  await world.pass(0);
  expect(gaps).toEqual([]);
  expect(subscription.status.map((one) => one.status)).toEqual(['unavailable', 'exact']);
  world.socket.receive({ type: 'status', topic: 't', partitions: [status(3)] }, messages(3, 5));
  await world.pass(0);
  expect(subscription.status.map((one) => [one.partition, one.status])).toEqual([
    [1, 'exact'],
    [0, 'exact'],
  ]);
  expect([offsets, gaps]).toEqual([[0, 1, 2, 3, 4], []]);
});
