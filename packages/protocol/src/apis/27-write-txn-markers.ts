/**
 * WriteTxnMarkers: how a coordinator ends a transaction in the logs of the partitions that it wrote to. Between brokers
 * only; Apache Kafka 4 has no v0.
 */
import { array, boolean, defineApi, int8, int16, int32, int64, string } from '../codec/schema.ts';

export const WriteTxnMarkers = defineApi({
  key: 27,
  name: 'WriteTxnMarkers',
  minVersion: 1,
  maxVersion: 2,
  flexibleFrom: 1,
  request: {
    markers: array({
      producerId: int64(),
      producerEpoch: int16(),
      /** True: committed. */
      transactionResult: boolean(),
      topics: array({ name: string(), partitionIndexes: array(int32()) }),
      coordinatorEpoch: int32(),
      transactionVersion: int8({ since: 2, default: 0 }),
    }),
  },
  response: {
    markers: array({
      producerId: int64(),
      topics: array({ name: string(), partitions: array({ partitionIndex: int32(), errorCode: int16() }) }),
    }),
  },
});
