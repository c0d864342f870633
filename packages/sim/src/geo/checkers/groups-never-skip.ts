/** A group that goes on in another region skips nothing: every record before the place at which it goes on was processed. */
import { type GeoChecker, logAt } from '../outcome.ts';

export const groupsNeverSkip: GeoChecker = (outcome) =>
  outcome.history.failOvers.flatMap(({ group, home, partition, from, to, resumed, processed: count }) => {
    if (resumed === undefined) return [];
    const traveller = outcome.travellers.find((each) => each.group === group)!;
    const processed = new Set([...new Set(traveller.processed)].slice(0, count));
    const { records } = logAt(outcome, { origin: home, topic: 'orders', partition, at: to });
    const skipped = records.find(({ offset, value }) => offset < resumed && !processed.has(value));
    return skipped === undefined
      ? []
      : [`${group}, gone from ${from} to ${to} at ${resumed}, never had ${skipped.value} at ${skipped.offset}`];
  });
