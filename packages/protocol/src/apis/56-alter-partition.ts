/**
 * AlterPartition: a partition's leader asks the controller for another ISR, with the epochs of its members since v3.
 */
import { array, defineApi, int8, int16, int32, int64, uuid } from '../codec/schema.ts';

export const AlterPartition = defineApi({
  key: 56,
  name: 'AlterPartition',
  minVersion: 2,
  maxVersion: 3,
  flexibleFrom: 0,
  listeners: ['internal'],
  request: {
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        leaderEpoch: int32(),
        newIsr: array(int32(), { until: 2, ignorable: false }),
        newIsrWithEpochs: array(
          { brokerId: int32(), brokerEpoch: int64({ default: -1 }) },
          { since: 3, ignorable: false },
        ),
        leaderRecoveryState: int8({ default: 0 }),
        partitionEpoch: int32(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        leaderId: int32(),
        leaderEpoch: int32(),
        isr: array(int32()),
        leaderRecoveryState: int8({ default: 0 }),
        partitionEpoch: int32(),
      }),
    }),
  },
});
