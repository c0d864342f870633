/** Uuids as text, in base64 and in bytes, and the meaning of Kafka's error codes. */
import { expect, test } from 'vitest';
import { ERROR, errorName, isRetriable } from '../error-codes.ts';
import { UUID_CACHE_ENTRIES } from '../limits.ts';
import { readUuid, uuidFromBase64, uuidToBase64, writeUuid, ZERO_UUID } from './values.ts';

const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';

test('a uuid is shown as Kafka shows it, and read back', () => {
  expect(uuidToBase64(ID)).toBe('D4-tW9nLRp-hZXCGdyiVDg');
  expect(uuidFromBase64('D4-tW9nLRp-hZXCGdyiVDg')).toBe(ID);
  expect(uuidToBase64(ZERO_UUID)).toBe('AAAAAAAAAAAAAAAAAAAAAA');
});

test.each(['', 'AAAA', 'D4+tW9nLRp+hZXCGdyiVDg', `${'A'.repeat(22)}==`])('%j is not a base64 uuid', (text) => {
  expect(() => uuidFromBase64(text)).toThrow(expect.objectContaining({ code: 'invalid-value' }));
});

test('more uuids than the table has entries are read right, again and again', () => {
  const bytes = Buffer.alloc(16);
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < UUID_CACHE_ENTRIES * 3; i++) {
      const uuid = `${(i * 2_654_435_761).toString(16).padStart(12, '0').slice(-8)}${ID.slice(8)}`;
      writeUuid(bytes, 0, uuid, 'id');
      expect(readUuid(bytes, 0)).toBe(uuid);
    }
  }
});

test('error codes have names, also those that are not known', () => {
  expect(errorName(ERROR.NONE)).toBe('NONE');
  expect(errorName(-1)).toBe('UNKNOWN_SERVER_ERROR');
  expect(errorName(9_999)).toBe('ERROR_9999');
});

test('a stale leader may be retried, a message too large may not', () => {
  expect(isRetriable(ERROR.NOT_LEADER_OR_FOLLOWER)).toBe(true);
  expect(isRetriable(ERROR.UNKNOWN_TOPIC_OR_PARTITION)).toBe(true);
  expect(isRetriable(ERROR.MESSAGE_TOO_LARGE)).toBe(false);
  expect(isRetriable(ERROR.NONE)).toBe(false);
});
