/**
 * DescribeTransactions: transactional ids are refused (`22-init-producer-id.ts`), so none is known.
 */
import { DescribeTransactions, ERROR } from '@meridian/protocol';
import type { Handler } from './handler.ts';

export function createDescribeTransactionsHandler(): Handler<typeof DescribeTransactions> {
  return {
    api: DescribeTransactions,
    handle: ({ transactionalIds }) => ({
      transactionStates: [...new Set(transactionalIds)].map((transactionalId) => ({
        errorCode: transactionalId === '' ? ERROR.INVALID_REQUEST : ERROR.TRANSACTIONAL_ID_NOT_FOUND,
        transactionalId,
        transactionState: '',
        transactionTimeoutMs: 0,
        transactionStartTimeMs: 0,
        producerId: 0,
        producerEpoch: 0,
        topics: [],
      })),
    }),
  };
}
