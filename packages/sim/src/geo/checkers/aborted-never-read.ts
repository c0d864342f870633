/** What a transaction that was aborted has written is read nowhere: neither where it was written nor in a copy. */
import { type GeoChecker, nameOf } from '../outcome.ts';
import { ABORTED } from '../transactions.ts';

export const abortedNeverRead: GeoChecker = ({ logs }) =>
  logs.flatMap((log) => {
    const found = log.records.find(({ value }) => value.startsWith(ABORTED));
    return found === undefined ? [] : [`${nameOf(log)} has ${found.value} at ${found.offset}`];
  });
