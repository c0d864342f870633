/**
 * DescribeAcls while there is no authorizer: what Apache Kafka answers without one. Everybody may do everything, which
 * is what clients read from SECURITY_DISABLED.
 */
import { DescribeAcls, ERROR } from '@meridian/protocol';
import type { Handler } from './handler.ts';

export function createDescribeAclsHandler(): Handler<typeof DescribeAcls> {
  const errorMessage = 'No Authorizer is configured on the broker';
  return {
    api: DescribeAcls,
    handle: () => ({ errorCode: ERROR.SECURITY_DISABLED, errorMessage, resources: [] }),
  };
}
