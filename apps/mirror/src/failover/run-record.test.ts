import { expect, test } from 'vitest';
import { MirrorError } from '../errors.ts';
import { HEAD, TOPIC } from './run-record.fuzz.ts';
import { decodeRunRecord, encodeHead, encodeTopicRun } from './run-record.ts';

test('heads and topics of runs read back as they were written, and a key without a value is one that is gone', () => {
  const head = encodeHead(HEAD);
  const topic = encodeTopicRun(HEAD.id, TOPIC);
  expect(decodeRunRecord(head.key, head.value)).toEqual({ kind: 'head', id: HEAD.id, head: HEAD });
  const key = 'us-east/orders';
  expect(decodeRunRecord(topic.key, topic.value)).toEqual({ kind: 'topic', id: HEAD.id, key, topic: TOPIC });
  expect(decodeRunRecord(head.key, null)).toEqual({ kind: 'head', id: HEAD.id, head: null });
  expect(decodeRunRecord(topic.key, null)).toEqual({ kind: 'topic', id: HEAD.id, key, topic: null });
});

test.each(['', '7', '{}', '{"v":2}', JSON.stringify({ ...HEAD, more: 1 }), JSON.stringify({ ...HEAD, kind: 'other' })])(
  'a value like %s is not guessed at',
  (value) => {
    expect(() => decodeRunRecord(Buffer.from('id'), Buffer.from(value))).toThrow(MirrorError);
    expect(() => decodeRunRecord(Buffer.from('id/us/orders'), Buffer.from(value))).toThrow(MirrorError);
  },
);
