/**
 * Fuzzing of what is read out of `__consumer_offsets`: `npm run fuzz -- group-records`. The first two bytes are the length
 * of the record's key, the rest is its value. Only ProtocolError may come out, and no more members than the bytes hold.
 */
import { ProtocolError, ZERO_UUID } from '@meridian/protocol';
import { groupRecord, offsetRecord, readGroupRecord } from './group-records.ts';

const LENGTH_BYTES = 2;
const COMMITTED = {
  offset: 42,
  leaderEpoch: 3,
  metadata: 'as of noon',
  commitTimestampMs: 1_767_225_600_000,
  expireTimestampMs: -1,
  topicId: ZERO_UUID,
};
const MEMBER = {
  memberId: 'consumer-1',
  groupInstanceId: null,
  clientId: 'consumer',
  clientHost: '/127.0.0.1',
  rebalanceTimeout: 300_000,
  sessionTimeout: 45_000,
  subscription: Buffer.from('00030000000100066f7264657273ffffffff', 'hex'),
  assignment: Buffer.from('0003000000010006', 'hex'),
};
const GROUP = {
  protocolType: 'consumer',
  generation: 7,
  protocol: 'range',
  leader: MEMBER.memberId,
  currentStateTimestamp: 1_767_225_600_000,
  members: [MEMBER, { ...MEMBER, memberId: 'consumer-2', groupInstanceId: 'second' }],
};

export function corpus(): Buffer[] {
  const at = { topic: 'orders', partition: 5 };
  const records = [
    offsetRecord('group', at, COMMITTED, 0),
    offsetRecord('group', at, { ...COMMITTED, expireTimestampMs: 1_767_225_700_000 }, 0),
    offsetRecord('group', at, null, 0),
    groupRecord('group', GROUP, 0),
    groupRecord('group', { ...GROUP, members: [] }, 0),
    groupRecord('group', null, 0),
  ];
  return records.map(({ key, value }) => {
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt16BE(key!.length);
    return Buffer.concat([length, key!, value ?? Buffer.alloc(0)]);
  });
}

export function fuzz(input: Buffer): void {
  const keyEnd = LENGTH_BYTES + (input.length < LENGTH_BYTES ? 0 : input.readUInt16BE(0));
  const key = input.subarray(LENGTH_BYTES, keyEnd);
  const value = keyEnd < input.length ? input.subarray(keyEnd) : null;
  try {
    const read = readGroupRecord({ offset: 0, timestamp: 0, key, value, headers: [] });
    if (read.kind === 'group' && (read.value?.members.length ?? 0) > input.length)
      throw new Error('members out of nothing');
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
}
