/**
 * Hostile frames on the wire of a real broker process: lengths, counts, varints, tags, APIs and versions that lie. Each
 * trial has the expectations of `testing/victim.ts` besides its own.
 */
import { ERROR } from '@meridian/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { flexibleRequest, framed, MARK, plainRequest, Victim } from '../testing/victim.ts';

let victim: Victim;
beforeAll(async () => {
  victim = await Victim.start({ 'connections.max.idle.ms': '2000' });
});
afterAll(() => victim?.broker.stop());

/** A fetch of a million topics without name or partitions, three bytes each, well-formed to its end. */
const MILLION_TOPICS = `ffffffff0000006400000001001000000000000000ffffffffc1843d${'010100'.repeat(1_000_000)}010100`;
/** As many one-byte elements as there are bytes. */
const ALL_ELEMENTS = `00000012${'00'.repeat(18)}`;
/** A quarter of a million partitions to look up, with a count that is right. */
const MANY_INTEGERS = `00016700000001000167${'0003d090'}${'00000000'.repeat(250_000)}`;

test.each([
  ['a length of -1', Buffer.from('ffffffff', 'hex')],
  ['a length above the limit', Buffer.from('0640000100', 'hex')],
  ['a length of 0', Buffer.from('00000000', 'hex')],
  ['a length of 2^31-1 with three bytes behind', Buffer.from('7fffffff010203', 'hex')],
  ['a count of 2^31-1', plainRequest(3, 4, '7fffffff00')],
  ['a count of what remains and one', plainRequest(3, 4, `00000012${'00'.repeat(17)}`)],
  ['a count of what remains, of elements that need two', plainRequest(3, 4, ALL_ELEMENTS)],
  ['a million empty elements', flexibleRequest(1, 12, MILLION_TOPICS)],
  ['a varint of ten bytes', flexibleRequest(3, 12, 'ffffffffffffffffff01')],
  ['an over-long varint', flexibleRequest(3, 12, '8080808080808000')],
  ['a string of length -2', plainRequest(3, 4, '00000001fffe00')],
  ['a huge count of tags', plainRequest(3, 12, 'ffffffff0f')],
  [
    'a hundred tags',
    plainRequest(
      3,
      12,
      `64${Array.from({ length: 100 }, (_, tag) => `${(tag + 10).toString(16).padStart(2, '0')}00`).join('')}`,
    ),
  ],
  ['a tag twice', plainRequest(3, 12, '0200000000')],
  ['tags that descend', plainRequest(3, 12, '0205000100')],
  ['an unknown api', plainRequest(999, 0, '')],
  ['version -1', plainRequest(3, -1, '00000000')],
  ['version 32767', plainRequest(3, 32_767, '00000000')],
  ['a request of brokers: LeaderAndIsr', plainRequest(4, 0, '00000000')],
  ['a request of brokers: WriteTxnMarkers', plainRequest(27, 1, '00000000')],
  ['a request of brokers: Vote', plainRequest(52, 0, '00000000')],
  ['a request of brokers: AlterPartition', plainRequest(56, 2, '00000000')],
  ['a request of brokers: Envelope', plainRequest(58, 0, '00000000')],
  ['a request of brokers: FetchSnapshot', plainRequest(59, 0, '00000000')],
  ['a web browser', Buffer.from(`GET /${MARK} HTTP/1.1\r\nHost: broker\r\n\r\n`)],
])('%s closes the connection', async (_name, bytes) => {
  expect(await victim.refuses(bytes)).toBe(true);
});

test('a megabyte of integers is answered', async () => {
  await victim.unharmed(
    async (client) => {
      client.send(plainRequest(9, 1, MANY_INTEGERS));
      expect((await client.frame()).length).toBeGreaterThan(1_000_000);
    },
    { lines: 0 },
  );
});

test('a length and then silence takes no memory, and is given up when its time is over', async () => {
  await victim.unharmed(async (client) => {
    client.send(Buffer.from('06000000', 'hex'));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(client.closed).toBe(false);
    expect(await client.isRefused()).toBe(true);
  });
});

test('a connection that says nothing is closed when its time is over', async () => {
  await victim.unharmed((client) => client.isRefused());
});

test('an unknown tag of a megabyte is passed over and not kept', async () => {
  await victim.unharmed(
    async (client) => {
      // Tag 99 with 2^20 bytes, then no topics, no creation, no operations, no tags.
      const tag = Buffer.concat([Buffer.from('0163808040', 'hex'), Buffer.alloc(1_048_576)]);
      const head = Buffer.from('0003000c00000001ffff', 'hex');
      for (let i = 0; i < 20; i++) client.send(framed(Buffer.concat([head, tag, Buffer.from('01000000', 'hex')])));
      for (let i = 0; i < 20; i++) await client.frame();
    },
    { lines: 0 },
  );
});

test('ApiVersions v99 is answered in v0 with error 35', async () => {
  await victim.unharmed(
    async (client) => {
      client.send(plainRequest(18, 99, ''));
      expect((await client.frame()).readInt16BE(4)).toBe(ERROR.UNSUPPORTED_VERSION);
    },
    { lines: 0 },
  );
});

test('text from outside reaches the log without line breaks or escapes', async () => {
  const name = Buffer.from('\r\n{"level":"error"}\u001b[31m');
  const body = Buffer.concat([Buffer.from([0, name.length + 1]), name, Buffer.from([2, 49, 0])]);
  const from = victim.broker.lines.length;
  await victim.unharmed(async (client) => {
    client.send(framed(Buffer.concat([Buffer.from('0012000300000001ffff', 'hex'), body])));
    await client.frame();
    client.send(plainRequest(999, 0, ''));
    await client.isRefused();
  });
  for (const { level, text } of victim.broker.lines.slice(from)) {
    expect(level).not.toBe('none');
    expect(text).not.toContain('\u001b');
  }
});
