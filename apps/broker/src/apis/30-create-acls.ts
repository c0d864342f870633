/**
 * CreateAcls while there is no authorizer: what Apache Kafka answers without one. Invariant: no rule is kept, and each
 * has its refusal.
 */
import { CreateAcls, ERROR } from '@meridian/protocol';
import type { Handler } from './handler.ts';

const REFUSAL = { errorCode: ERROR.SECURITY_DISABLED, errorMessage: 'No Authorizer is configured.' };

export function createCreateAclsHandler(): Handler<typeof CreateAcls> {
  return { api: CreateAcls, handle: ({ creations }) => ({ results: creations.map(() => REFUSAL) }) };
}
