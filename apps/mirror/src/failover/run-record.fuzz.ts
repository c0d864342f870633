/**
 * Fuzzing of what is read out of `__meridian_failovers`: `npm run fuzz -- run-record`. The first byte is the length of the
 * record's key, the rest is its value. Only MirrorError may come out.
 */
import { MirrorError } from '../errors.ts';
import type { RunHead, TopicRun } from './messages.ts';
import { decodeRunRecord, encodeHead, encodeTopicRun } from './run-record.ts';

export const HEAD: RunHead = {
  ...{ v: 1, id: 'failover-1', kind: 'failover', to: 'eu-west', startedMs: 1_767_225_600_000, force: false },
  scope: { kind: 'topic', name: 'orders' },
};
export const TOPIC: TopicRun = {
  ...{ topic: 'orders', copy: 'orders', copyId: '00000000-0000-4000-8000-000000000001', from: 'us-east' },
  ...{ policy: 'identity', step: 'sealing', detail: 'all of its records are here', notCopied: 0 },
  ...{ cut: [3, 9_007_199_254_740_991], incarnation: 1, common: [], aside: { topic: 'orders.aside', records: 2 } },
};

export function corpus(): Buffer[] {
  const records = [encodeHead(HEAD), encodeTopicRun(HEAD.id, TOPIC)];
  return records.map(({ key, value }) => Buffer.concat([Buffer.from([key.length]), key, value]));
}

export function fuzz(input: Buffer): void {
  const keyEnd = 1 + (input[0] ?? 0);
  const value = keyEnd < input.length ? input.subarray(keyEnd) : null;
  try {
    decodeRunRecord(input.subarray(1, keyEnd), value);
  } catch (error) {
    if (!(error instanceof MirrorError)) throw error;
  }
}
