/**
 * What was deleted at its origin before a region had it is on that region's record of gaps: each record, in the very gap
 * that it fell into. Where a copy's reader was away while something went from the copy, nobody knows what had come.
 */
import { type GeoChecker, logAt } from '../outcome.ts';

export const noSilentGap: GeoChecker = (outcome) =>
  outcome.history.cutOffs.flatMap(({ from, topic, partition, offset, value }) =>
    outcome.mesh.regions.flatMap(({ name: to }) => {
      if (to === from) return [];
      const { values, isBlind } = outcome.history.glimpsesOf(from, partition, to);
      const copy = logAt(outcome, { origin: from, topic, partition, at: to });
      if (isBlind || values.has(value) || copy.records.some((record) => record.value === value)) return [];
      const isKnown = outcome.gaps.some(
        (gap) =>
          gap.at === to &&
          gap.from === from &&
          gap.topic === topic &&
          gap.partition === partition &&
          offset >= gap.begin &&
          offset < gap.end,
      );
      return isKnown
        ? []
        : [`${value} at ${offset} of ${from}.${topic}-${partition} never came to ${to}, which does not know`];
    }),
  );
