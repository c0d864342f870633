/**
 * What a resumed reader is told about its position is true: `exact` and `behind` begin where it left off, and only a
 * copy that really was shorter is `behind`. No records are lost in these runs, so `gap` is never true.
 */
import type { Told } from '../ledger.ts';
import type { Checker } from './checker.ts';

export const readersToldTruth: Checker = ({ ledger }) =>
  ledger.readers.flatMap(({ name, told }) => told.flatMap((status) => judge(status).map((what) => `${name}: ${what}`)));

function judge(told: Told): string[] {
  const place = `${told.region}-${told.partition} is ${told.status} at ${told.offset}, the reader had read up to ${told.expected}`;
  if (told.status === 'gap') return [place];
  if (told.status === 'unavailable') return []; // of a partition that cannot be read nothing is known; it is told again
  // Delivery may be ahead of the application, which has not taken everything out of its queue yet.
  if (told.offset < told.expected) return [place];
  if (told.status === 'behind' && !(told.behindBy !== undefined && told.behindBy > 0))
    return [`${place}, by ${told.behindBy}`];
  return [];
}
