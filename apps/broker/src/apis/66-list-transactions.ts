/**
 * ListTransactions: transactional ids are refused (`22-init-producer-id.ts`), so there are none to list; filters that
 * make no sense are told all the same.
 */
import { ERROR, ListTransactions } from '@meridian/protocol';
import type { Handler } from './handler.ts';

const STATES: ReadonlySet<string> = new Set([
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Empty',
  'PrepareEpochFence',
  'Dead',
]);

export function createListTransactionsHandler(): Handler<typeof ListTransactions> {
  return {
    api: ListTransactions,
    handle({ stateFilters, transactionalIdPattern }) {
      const errorCode = isPattern(transactionalIdPattern ?? '') ? ERROR.NONE : ERROR.INVALID_REGULAR_EXPRESSION;
      const unknownStateFilters = errorCode === ERROR.NONE ? stateFilters.filter((state) => !STATES.has(state)) : [];
      return { errorCode, unknownStateFilters, transactionStates: [] };
    },
  };
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
