/** A group that goes on after everything was well for a while re-reads nothing of what it had committed. */
import { type GeoChecker, logAt } from '../outcome.ts';

export const groupsReReadNothing: GeoChecker = (outcome) =>
  outcome.history.failOvers.flatMap(({ group, home, partition, from, to, resumed, committed, wasQuiet, atMs }) => {
    if (!wasQuiet) return [];
    const { records } = logAt(outcome, { origin: home, topic: 'orders', partition, at: to });
    const place = resumed ?? 0;
    const had = records.filter(({ offset }) => offset < place).length;
    const at = `at ${Math.round(atMs)} ms`;
    return had >= committed
      ? []
      : [
          `${group} had committed ${committed} records, and went on from ${from} at ${to} behind ${had} of them (${at})`,
        ];
  });
