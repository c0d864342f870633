/**
 * DescribeUserScramCredentials: mechanisms and iterations of users' credentials, never the credentials themselves.
 */
import { array, defineApi, int8, int16, int32, string } from '../codec/schema.ts';

export const DescribeUserScramCredentials = defineApi({
  key: 50,
  name: 'DescribeUserScramCredentials',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  request: { users: array({ name: string() }, { nullable: true }) },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: true, default: null }),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: true, default: null }),
      credentialInfos: array({ mechanism: int8(), iterations: int32() }),
    }),
  },
});
