/**
 * DescribeLogDirs: sizes of the partitions in each data folder, and how much space is left there (v4).
 */
import { array, boolean, defineApi, int16, int32, int64, string } from '../codec/schema.ts';

export const DescribeLogDirs = defineApi({
  key: 35,
  name: 'DescribeLogDirs',
  minVersion: 1,
  maxVersion: 5,
  flexibleFrom: 2,
  request: { topics: array({ topic: string(), partitions: array(int32()) }, { nullable: true }) },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16({ since: 3 }),
    results: array({
      errorCode: int16(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          partitionSize: int64(),
          offsetLag: int64(),
          isFutureKey: boolean(),
        }),
      }),
      totalBytes: int64({ since: 4, default: -1 }),
      usableBytes: int64({ since: 4, default: -1 }),
      isCordoned: boolean({ since: 5, default: false }),
    }),
  },
});
