/**
 * DeleteAcls while there is no authorizer: what Apache Kafka answers without one, for each filter.
 */
import { DeleteAcls, ERROR } from '@meridian/protocol';
import type { Handler } from './handler.ts';

const REFUSAL = {
  errorCode: ERROR.SECURITY_DISABLED,
  errorMessage: 'No Authorizer is configured.',
  matchingAcls: [],
};

export function createDeleteAclsHandler(): Handler<typeof DeleteAcls> {
  return { api: DeleteAcls, handle: ({ filters }) => ({ filterResults: filters.map(() => REFUSAL) }) };
}
