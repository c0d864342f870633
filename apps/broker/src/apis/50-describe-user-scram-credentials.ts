/**
 * DescribeUserScramCredentials: nobody has credentials, because clients do not log in; who is asked for by name is told
 * to be unknown, as in Apache Kafka.
 */
import { DescribeUserScramCredentials, ERROR } from '@meridian/protocol';
import type { Handler } from './handler.ts';

export function createDescribeUserScramCredentialsHandler(): Handler<typeof DescribeUserScramCredentials> {
  return {
    api: DescribeUserScramCredentials,
    handle({ users }) {
      const names = (users ?? []).map(({ name }) => name);
      const results = [...new Set(names)].map((user) => ({
        user,
        ...(names.indexOf(user) === names.lastIndexOf(user) ? unknown(user) : twice(user)),
        credentialInfos: [],
      }));
      return { errorCode: ERROR.NONE, results };
    },
  };
}

const unknown = (user: string) => ({
  errorCode: ERROR.RESOURCE_NOT_FOUND,
  errorMessage: `Attempt to describe a user credential that does not exist: ${user}`,
});

const twice = (user: string) => ({
  errorCode: ERROR.DUPLICATE_RESOURCE,
  errorMessage: `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`,
});
