/**
 * DescribeClientQuotas: the quotas of users, clients and addresses that match; `strict` wants entities of exactly these
 * types.
 */
import { array, boolean, defineApi, float64, int8, int16, int32, string } from '../codec/schema.ts';

export const DescribeClientQuotas = defineApi({
  key: 48,
  name: 'DescribeClientQuotas',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 1,
  request: {
    components: array({ entityType: string(), matchType: int8(), match: string({ nullable: true }) }),
    strict: boolean(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: true, default: null }),
    entries: array(
      {
        entity: array({ entityType: string(), entityName: string({ nullable: true }) }),
        values: array({ key: string(), value: float64() }),
      },
      { nullable: true },
    ),
  },
});
