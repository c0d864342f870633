/** A copy in our own brokers has each record at the offset that it has at its origin. */
import { copies, type GeoChecker, logAt, nameOf } from '../outcome.ts';

export const embeddedKeepsOffsets: GeoChecker = (outcome) =>
  copies(outcome)
    .filter(({ at }) => outcome.mesh.region(at).plan.engine === 'embedded')
    .flatMap((copy) => {
      const origin = new Map(
        logAt(outcome, { ...copy, at: copy.origin }).records.map(({ value, offset }) => [value, offset]),
      );
      const moved = copy.records.find(({ value, offset }) => (origin.get(value) ?? offset) !== offset);
      return moved === undefined
        ? []
        : [`${nameOf(copy)} has ${moved.value} at ${moved.offset}, its origin at ${origin.get(moved.value)}`];
    });
