/**
 * ListTransactions: the transactional ids that a broker coordinates; an empty filter lets all pass.
 */
import { array, defineApi, int16, int32, int64, string } from '../codec/schema.ts';

export const ListTransactions = defineApi({
  key: 66,
  name: 'ListTransactions',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 0,
  request: {
    stateFilters: array(string()),
    producerIdFilters: array(int64()),
    durationFilter: int64({ since: 1, default: -1, ignorable: false }),
    transactionalIdPattern: string({ since: 2, nullable: true, default: null, ignorable: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    unknownStateFilters: array(string()),
    transactionStates: array({ transactionalId: string(), producerId: int64(), transactionState: string() }),
  },
});
