/**
 * DescribeCluster: brokers (endpoint type 1) or controllers (2) of a cluster. v2 tells which brokers are fenced.
 */
import { array, boolean, defineApi, int8, int16, int32, string } from '../codec/schema.ts';

export const DescribeCluster = defineApi({
  key: 60,
  name: 'DescribeCluster',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 0,
  request: {
    includeClusterAuthorizedOperations: boolean(),
    endpointType: int8({ since: 1, default: 1, ignorable: false }),
    includeFencedBrokers: boolean({ since: 2, ignorable: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: true, default: null }),
    endpointType: int8({ since: 1, default: 1, ignorable: false }),
    clusterId: string(),
    controllerId: int32({ default: -1 }),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: string({ nullable: true, default: null }),
      isFenced: boolean({ since: 2, ignorable: false }),
    }),
    clusterAuthorizedOperations: int32({ default: -2147483648 }),
  },
});
