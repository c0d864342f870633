/**
 * Every acknowledged record that its origin still has is in every region, once, in the origin's order, and nothing else
 * is: a copy may only keep in front what the origin has deleted since. Of topics that are not compacted.
 */
import { acknowledgedIn, copies, type GeoChecker, type GeoLog, logAt, nameOf, origins } from '../outcome.ts';

export const everywhereOnceInOrder: GeoChecker = (outcome) => [
  ...origins(outcome)
    .filter(isWhole)
    .flatMap((log) => lostAtOrigin(log, acknowledgedIn(outcome, log))),
  ...copies(outcome)
    .filter(isWhole)
    .flatMap((copy) => {
      const origin = logAt(outcome, { ...copy, at: copy.origin });
      const mayLack = copy.topic === 'short' && outcome.history.deletedIn.has(`${copy.origin}/${copy.partition}`);
      return compare(copy, mayLack ? lastOf(origin, copy.records.length) : origin);
    }),
];

const isWhole = ({ topic }: GeoLog): boolean => topic !== 'keyed';

/** An origin whose broker died soon after records were deleted has them again; its copies may have followed before. */
const lastOf = (origin: GeoLog, count: number): GeoLog => ({
  ...origin,
  records: count === 0 ? [] : origin.records.slice(-count),
});

function lostAtOrigin(log: GeoLog, acknowledged: readonly { offset: number; value: string }[]): string[] {
  const stored = new Map(log.records.map(({ offset, value }) => [offset, value]));
  return acknowledged
    .filter(({ offset, value }) => offset >= log.start && stored.get(offset) !== value)
    .map(({ offset, value }) => `${value}, acknowledged at ${offset}, is not in ${nameOf(log)}`);
}

/** The first difference; of records that the origin has deleted only the place is looked at. */
function compare(copy: GeoLog, origin: GeoLog): string[] {
  const surplus = copy.records.length - origin.records.length;
  const name = nameOf(copy);
  if (surplus < 0) return [`${name} has ${copy.records.length} of ${origin.records.length} records`];
  if (surplus > 0 && copy.topic !== 'short') return [`${name} has ${surplus} records too many${firstTwice(copy)}`];
  for (const [index, { value, offset }] of origin.records.entries()) {
    const there = copy.records[surplus + index]!;
    if (there.value !== value)
      return [`${name} has ${there.value} at ${there.offset}, its origin ${value} at ${offset}`];
  }
  return firstTwice(copy) === '' ? [] : [`${name} has a record twice${firstTwice(copy)}`];
}

function firstTwice({ records }: GeoLog): string {
  const seen = new Map<string, number>();
  for (const { value, offset } of records) {
    const first = seen.get(value);
    if (first !== undefined) return `: ${value} at ${first} and ${offset}`;
    seen.set(value, offset);
  }
  return '';
}
