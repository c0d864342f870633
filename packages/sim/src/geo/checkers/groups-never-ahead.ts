/**
 * What is committed for a group anywhere, by whomever, is never ahead of what it has processed, nor behind the end of the
 * copy that it would go on in.
 */
import { type GeoChecker, logAt } from '../outcome.ts';

export const groupsNeverAhead: GeoChecker = (outcome) =>
  outcome.history.groupSightings.flatMap(({ group, home, partition, at, atMs, offset, end, processed: count }) => {
    const when = `(at ${Math.round(atMs)} ms)`;
    if (offset > end) return [`${group} is at ${offset} in ${at}, where the log ends at ${end} ${when}`];
    const traveller = outcome.travellers.find((each) => each.group === group)!;
    const processed = new Set([...new Set(traveller.processed)].slice(0, count));
    const { records } = logAt(outcome, { origin: home, topic: 'orders', partition, at });
    const skipped = records.find((record) => record.offset < offset && !processed.has(record.value));
    return skipped === undefined
      ? []
      : [`${group} is at ${offset} in ${at} and never had ${skipped.value} at ${skipped.offset} ${when}`];
  });
