/** The framing of metadata records; their bodies are held against Kafka's bytes in `codec/golden.test.ts`. */
import { expect, test } from 'vitest';
import { ZERO_UUID } from '../codec/values.ts';
import { completeMetadataRecord, decodeMetadataRecord, encodeMetadataRecord } from './metadata-records.ts';

const TOPIC_ID = '0f8fad5b-d9cb-469f-a165-70867728950e';
const code = (value: string) => expect.objectContaining({ name: 'ProtocolError', code: value });

test('a change of leader carries nothing but the leader', () => {
  const change = { type: 'PartitionChangeRecord', partitionId: 2, topicId: TOPIC_ID, leader: 7 } as const;
  const value = encodeMetadataRecord(change);
  // Frame version, key, version; partition, topic; one tag: number, size, leader.
  expect(value).toHaveLength(3 + 4 + 16 + 1 + 6);
  const decoded = decodeMetadataRecord(value);
  expect(decoded).toMatchObject({ ...change, isr: null, replicas: null, leaderRecoveryState: -1, directories: null });
});

test('a record is completed as it will be read back', () => {
  const record = { type: 'TopicRecord', name: 'orders', topicId: ZERO_UUID } as const;
  expect(completeMetadataRecord(record)).toEqual(record);
});

test.each([
  ['of a newer frame version', '02 02 00', 'unsupported-frame-version'],
  ['of an unknown type', '01 7e 00', 'unknown-record-type'],
  ['of a newer version of its type', '01 02 01', 'unsupported-version'],
  ['without a body', '01 02 00', 'truncated'],
  ['without anything', '', 'truncated'],
  ['with a key of ten bytes', '01 ffffffffffffffffff01 00', 'varint-too-long'],
])('a record %s is refused, not skipped', (_name, hex, expected) => {
  expect(() => decodeMetadataRecord(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toThrow(code(expected));
});

test('a field that an older version lacks is refused rather than lost', () => {
  const change = { type: 'PartitionChangeRecord', partitionId: 2, topicId: TOPIC_ID, lastKnownElr: [1] } as const;
  expect(() => encodeMetadataRecord(change, 1)).toThrow(code('unsupported-field'));
});
