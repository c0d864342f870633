import fc from 'fast-check';
import { expect, test } from 'vitest';
import { subscribedTopics } from './subscription.ts';

function subscription(topics: readonly string[], version = 1): Buffer {
  const head = Buffer.alloc(6);
  head.writeInt16BE(version);
  head.writeInt32BE(topics.length, 2);
  const strings = topics.flatMap((topic) => {
    const length = Buffer.alloc(2);
    length.writeInt16BE(Buffer.byteLength(topic));
    return [length, Buffer.from(topic)];
  });
  return Buffer.concat([head, ...strings]);
}

test('the topics of all members are known, whatever later versions append', () => {
  const later = Buffer.concat([subscription(['b', 'grüße'], 3), Buffer.from('user data')]);
  expect([...subscribedTopics([subscription(['a', 'b']), later])!]).toEqual(['a', 'b', 'grüße']);
});

test('one that cannot be read makes them unknown', () => {
  const lie = subscription(['a']);
  lie.writeInt32BE(2_000_000_000, 2);
  for (const bad of [Buffer.alloc(0), subscription(['a']).subarray(0, 8), lie, subscription([], -1)]) {
    expect(subscribedTopics([subscription(['a']), bad])).toBeUndefined();
  }
});

test('any bytes are read or refused, never more than that', () => {
  const run = (bytes: Uint8Array) => void subscribedTopics([Buffer.from(bytes)]);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), run), { numRuns: 500 });
});
