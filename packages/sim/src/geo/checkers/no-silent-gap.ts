/** What a region can never get, since it was deleted at its origin before, is on that region's record of gaps. */
import { type GeoChecker, logAt } from '../outcome.ts';

export const noSilentGap: GeoChecker = (outcome) =>
  outcome.history.cutOffs.flatMap(({ from, to, topic, partition, offset, value }) => {
    const copy = logAt(outcome, { origin: from, topic, partition, at: to });
    if (copy.records.some((record) => record.value === value)) return [];
    // What is copied is copied in order: what lies below the begin of a gap was there, and went with the origin's start.
    const known = outcome.gaps.some(
      (gap) =>
        gap.at === to && gap.from === from && gap.topic === topic && gap.partition === partition && offset < gap.end,
    );
    return known
      ? []
      : [`${value} at ${offset} of ${from}.${topic}-${partition} never came to ${to}, which does not know`];
  });
