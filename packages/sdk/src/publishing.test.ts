import { readRecords } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { unpackBinary } from './binary-frames.ts';
import type { ErrorCode, PublishBatchHeader, PublishedFrame } from './frames.ts';
import { connect, type Published } from './sdk.ts';
import { createFakeWorld, type FakeSocket, ORIGIN, WELCOME } from './testing/fake-gateway.ts';

async function connected(protocol: 'json' | 'bin' = 'json') {
  const world = createFakeWorld();
  const connecting = connect({ urls: ['ws://eu'], token: 'T', protocol, runtime: world.runtime });
  await world.pass(0);
  world.socket.open();
  world.socket.receive(WELCOME);
  return { world, meridian: await connecting };
}

const answer = (id: number, offset: number, more: Partial<PublishedFrame> = {}): PublishedFrame => ({
  type: 'published',
  id,
  ...ORIGIN,
  epoch: 0,
  offset,
  ...more,
});
const SESSION = { producerId: 7, producerEpoch: 0, session: 'S' };
const refusal = (id: number, code: ErrorCode, retryable = false) => ({
  type: 'error' as const,
  id,
  code,
  message: 'so',
  retryable,
});
/** Settles without throwing, so that a test can look later. */
const outcome = (promise: Promise<Published>): Promise<string> =>
  promise.then(
    ({ offset, duplicate }) => `${offset}${duplicate ? ' again' : ''}`,
    (error) => error.code,
  );
const described = (id: number, partitions = 1) => ({
  type: 'described' as const,
  id,
  topic: 't',
  topicId: ORIGIN.topicId,
  partitions,
});

test('text, bytes, JSON and nothing each have their payload', async () => {
  const { world, meridian } = await connected();
  const headers = [{ name: 'h', value: null }];
  const publishing = meridian.publish('t', { key: Uint8Array.of(255), value: { n: 1 }, headers, timestamp: 5 });
  expect(world.socket.all('publish')).toEqual([
    { type: 'publish', id: 2, topic: 't', key: { base64: '/w==' }, value: { json: { n: 1 } }, headers, timestamp: 5 },
  ]);
  world.socket.receive(answer(2, 41));
  expect(await publishing).toEqual({ ...ORIGIN, epoch: 0, offset: 41, duplicate: false });
});

test('no more publishes are on the wire than the gateway allows', async () => {
  const { world, meridian } = await connected();
  const all = Array.from({ length: 150 }, (_, n) => meridian.publish('t', { value: n }));
  expect(world.socket.all('publish')).toHaveLength(100);
  for (let n = 0; n < 150; n += 1) world.socket.receive(answer((n + 1) * 2, n));
  expect((await Promise.all(all)).map(({ offset }) => offset)).toEqual(Array.from({ length: 150 }, (_, n) => n));
});

test('a broken connection rejects what was on the wire and sends later what was not', async () => {
  const { world, meridian } = await connected();
  const lost = outcome(meridian.publish('t', { value: 'a' }));
  world.socket.drop(1006);
  const kept = outcome(meridian.publish('t', { value: 'b' }));
  await world.pass(200);
  world.socket.open();
  world.socket.receive(WELCOME);
  expect(world.socket.all('publish').map(({ value }) => value)).toEqual([{ text: 'b' }]);
  world.socket.receive(answer(4, 1));
  expect([await lost, await kept]).toEqual(['connection-lost', '1']);
});

test('a publish that cannot be sent in its time is rejected as not sent', async () => {
  const { world, meridian } = await connected();
  world.socket.drop(1006);
  const late = outcome(meridian.publish('t', { value: 'a' }));
  await world.pass(31_000);
  expect(await late).toBe('not-sent');
});

test('more publishes than the queue holds are refused', async () => {
  const { meridian } = await connected();
  const all = Array.from({ length: 20_001 }, (_, n) => outcome(meridian.publish('t', { value: n })));
  expect(await all.at(-1)).toBe('queue-full');
});

test('idempotent publishes wait for the first answer, then go out with consecutive sequences', async () => {
  const { world, meridian } = await connected();
  const all = [0, 1, 2].map((value) => outcome(meridian.publish('t', { key: 'k', value }, { idempotent: true })));
  world.socket.receive(described(world.socket.all('describe')[0]?.id ?? 0));
  expect(world.socket.all('publish').map(({ sequence }) => sequence)).toEqual([0]);
  world.socket.receive(answer(2, 10, SESSION));
  expect(world.socket.all('publish').map(({ sequence }) => sequence)).toEqual([0, 1, 2]);
  world.socket.receive(answer(4, 11), answer(6, 12));
  expect(await Promise.all(all)).toEqual(['10', '11', '12']);
});

test('after a reconnect unanswered idempotent publishes go out again with the same sequences', async () => {
  const { world, meridian } = await connected();
  const first = outcome(meridian.publish('t', { value: 0, partition: 0 }, { idempotent: true }));
  world.socket.receive(answer(2, 10, SESSION));
  const rest = [1, 2].map((value) => outcome(meridian.publish('t', { value, partition: 0 }, { idempotent: true })));
  world.socket.drop(1006);
  await world.pass(200);
  world.socket.open();
  expect(world.socket.all('connect')[0]?.session).toBe('S');
  world.socket.receive({ ...WELCOME, session: 'S' });
  expect(world.socket.all('publish').map(({ sequence }) => sequence)).toEqual([1, 2]);
  world.socket.receive(answer(4, 11, { duplicate: true }), answer(6, 12));
  expect([await first, ...(await Promise.all(rest))]).toEqual(['10', '11 again', '12']);
});

test('where the session does not go on, what was sent is of unknown outcome and the rest begins anew', async () => {
  const { world, meridian } = await connected();
  const publish = (value: number) => outcome(meridian.publish('t', { value, partition: 0 }, { idempotent: true }));
  const first = publish(0);
  world.socket.receive(answer(2, 10, SESSION));
  const sent = publish(1);
  world.socket.drop(1006);
  const unsent = publish(2);
  await world.pass(200);
  world.socket.open();
  world.socket.receive(WELCOME);
  expect(world.socket.all('publish').map(({ sequence, id }) => [sequence, id])).toEqual([[0, 6]]);
  world.socket.receive(answer(6, 0));
  expect([await first, await sent, await unsent]).toEqual(['10', 'outcome-unknown', '0']);
});

test('one that is refused for good lets those behind it move up', async () => {
  const { world, meridian } = await connected();
  const publish = (value: number) => outcome(meridian.publish('t', { value, partition: 0 }, { idempotent: true }));
  const all = [publish(0)];
  world.socket.receive(answer(2, 0, SESSION));
  all.push(publish(1), publish(2), publish(3));
  world.socket.receive(
    refusal(4, 'too-large'),
    refusal(6, 'out-of-order-sequence'),
    refusal(8, 'out-of-order-sequence'),
  );
  await world.pass(1_500);
  expect(world.socket.all('publish').map(({ id, sequence }) => [id, sequence])).toEqual([
    [2, 0],
    [4, 1],
    [6, 2],
    [8, 3],
    [6, 1],
    [8, 2],
  ]);
  world.socket.receive(answer(6, 1), answer(8, 2));
  all.push(publish(4));
  expect(world.socket.all('publish').at(-1)?.sequence).toBe(3);
  world.socket.receive(answer(10, 3));
  expect(await Promise.all(all)).toEqual(['0', 'too-large', '1', '2', '3']);
});

test('a retryable error is tried again in order, behind it as well', async () => {
  const { world, meridian } = await connected();
  const publish = (value: number) => outcome(meridian.publish('t', { value, partition: 0 }, { idempotent: true }));
  const all = [publish(0)];
  world.socket.receive(answer(2, 0, SESSION));
  all.push(publish(1), publish(2));
  world.socket.receive(refusal(4, 'unavailable', true));
  await world.pass(1_000);
  expect(world.socket.all('publish')).toHaveLength(3);
  world.socket.receive(refusal(6, 'out-of-order-sequence'));
  await world.pass(1_000);
  expect(world.socket.all('publish').map(({ sequence }) => sequence)).toEqual([0, 1, 2, 1, 2]);
  world.socket.receive(answer(4, 1), answer(6, 2));
  expect(await Promise.all(all)).toEqual(['0', '1', '2']);
});

test('a topic that does not exist rejects what waits for its partition count', async () => {
  const { world, meridian } = await connected();
  const publishing = outcome(meridian.publish('t', { value: 0 }, { idempotent: true }));
  world.socket.receive(refusal(world.socket.all('describe')[0]?.id ?? 0, 'unknown-topic'));
  expect(await publishing).toBe('unknown-topic');
});

test('the binary subprotocol carries one batch with the key’s partition', async () => {
  const { world, meridian } = await connected('bin');
  const publishing = meridian.publish('t', { key: 'k', value: 'v' });
  await world.pass(0);
  world.socket.receive(described(world.socket.all('describe')[0]?.id ?? 0, 3));
  const { kind, header, batches } = unpackBinary<PublishBatchHeader>(world.socket.sent.at(-1) as Uint8Array);
  expect([kind, header.id, header.topic, header.sequence]).toEqual([2, 2, 't', undefined]);
  const texts = [...readRecords(batches)].map(({ key, value }) =>
    [key, value].map((part) => new TextDecoder().decode(part!)),
  );
  expect(texts).toEqual([['k', 'v']]);
  world.socket.receive(answer(2, 0));
  expect((await publishing).offset).toBe(0);
});

/** The batches that were sent: id, sequence, and the values. */
const batchesOf = ({ sent }: FakeSocket): [number | undefined, number | undefined, string][] =>
  sent.flatMap((frame) => {
    if (!(frame instanceof Uint8Array)) return [];
    const { header, batches } = unpackBinary<PublishBatchHeader>(frame);
    const values = [...readRecords(batches)].map(({ value }) => new TextDecoder().decode(value as Uint8Array));
    return [[header.id, header.sequence, values.join('')]];
  });

test('what is published in one turn to one partition is one batch, and each record has its own coordinates', async () => {
  const { world, meridian } = await connected('bin');
  const all = ['a', 'b', 'c'].map((value, n) => outcome(meridian.publish('t', { value, partition: n % 2 })));
  await world.pass(0);
  expect(batchesOf(world.socket)).toEqual([
    [2, undefined, 'ac'],
    [4, undefined, 'b'],
  ]);
  world.socket.receive(answer(4, 7), answer(2, 40));
  expect(await Promise.all(all)).toEqual(['40', '7', '41']);
});

test('sequences advance by the records of a batch, which comes again as it was', async () => {
  const { world, meridian } = await connected('bin');
  const publish = (value: string) => outcome(meridian.publish('t', { value, partition: 0 }, { idempotent: true }));
  const all = [publish('a'), publish('b')];
  await world.pass(0);
  world.socket.receive(answer(2, 0, SESSION));
  all.push(publish('c'), publish('d'), publish('e'));
  await world.pass(0);
  world.socket.receive(refusal(6, 'unavailable', true));
  all.push(publish('f'));
  await world.pass(1_000);
  expect(batchesOf(world.socket)).toEqual([
    [2, 0, 'ab'],
    [6, 2, 'cde'],
    [6, 2, 'cde'],
    [12, 5, 'f'],
  ]);
  world.socket.receive(answer(6, 2, { duplicate: true }), answer(12, 5));
  expect(await Promise.all(all)).toEqual(['0', '1', '2 again', '3 again', '4 again', '5']);
});

test('a batch that is refused for good is tried in halves, so that the bad record fails alone', async () => {
  const { world, meridian } = await connected('bin');
  for (const idempotent of [false, true]) {
    const all = ['a', 'b', 'c', 'X'].map((value) =>
      outcome(meridian.publish('t', { value, partition: 0 }, { idempotent })),
    );
    let offset = 0;
    for (let at = batchesOf(world.socket).length, round = 0; round < 8; round += 1) {
      await world.pass(500);
      for (const [id = 0, , values] of batchesOf(world.socket).slice(at)) {
        at += 1;
        const isBad = values.includes('X');
        world.socket.receive(isBad ? refusal(id, 'too-large') : answer(id, offset, idempotent ? SESSION : {}));
        if (!isBad) offset += values.length;
      }
    }
    expect(await Promise.all(all)).toEqual(['0', '1', '2', 'too-large']);
  }
});

test('a partition has five batches on the wire, each within its bounds, and the rest gathers meanwhile', async () => {
  const { world, meridian } = await connected('bin');
  const publish = (value: string) => outcome(meridian.publish('t', { value, partition: 0 }));
  const all = Array.from({ length: 2_500 }, () => publish('a'));
  all.push(publish('b'.repeat(300_000)), publish('c'));
  await world.pass(0);
  all.push(publish('d'));
  await world.pass(0);
  all.push(publish('e'));
  await world.pass(0);
  const lengths = () => batchesOf(world.socket).map(([, , values]) => values.length);
  expect(lengths()).toEqual([1_000, 1_000, 500, 300_000, 1]);
  world.socket.receive(answer(2, 0));
  expect(lengths().slice(5)).toEqual([2]);
  await meridian.close();
  expect((await Promise.all(all)).filter((one) => one === 'closed')).toHaveLength(1_504);
});

test('what cannot be encoded or is larger than the gateway takes is refused here, and the connection stays', async () => {
  const { world, meridian } = await connected();
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  expect(await outcome(meridian.publish('t', { value: circle }))).toBe('bad-request');
  expect(await outcome(meridian.publish('t', { key: circle, value: '' }))).toBe('bad-request');
  expect(await outcome(meridian.publish('t', { value: 'é'.repeat(600_000) }))).toBe('too-large');
  expect(world.socket.all('publish')).toEqual([]);
  meridian.publish('t', { value: 'fits' }).catch(() => undefined);
  expect(world.socket.all('publish')).toHaveLength(1);
});

test('publishes that were refused for their rate go out again later, in their order', async () => {
  const { world, meridian } = await connected();
  const all = ['a', 'b', 'c'].map((value) => outcome(meridian.publish('t', { value })));
  world.socket.receive(refusal(2, 'limit-exceeded', true), refusal(4, 'limit-exceeded', true));
  world.socket.receive(answer(6, 0));
  await world.pass(1_000);
  expect(world.socket.all('publish').map(({ value }) => value)).toEqual(
    ['a', 'b', 'c', 'a', 'b'].map((text) => ({ text })),
  );
  world.socket.receive(answer(2, 1), answer(4, 2));
  expect(await Promise.all(all)).toEqual(['1', '2', '0']);
});
