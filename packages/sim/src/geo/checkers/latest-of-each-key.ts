/**
 * Of a compacted topic every region has the newest record of each key, and of what each still has beside it every record
 * once, in the order in which it was acknowledged.
 */
import { acknowledgedIn, type GeoChecker, type GeoLog, nameOf } from '../outcome.ts';
import { keyOf } from '../plan.ts';

export const latestOfEachKey: GeoChecker = (outcome) =>
  outcome.logs
    .filter(({ topic }) => topic === 'keyed')
    .flatMap((log) => {
      const acknowledged = acknowledgedIn(outcome, log).toSorted((a, b) => a.offset - b.offset);
      const places = new Map(acknowledged.map(({ value }, place) => [value, place]));
      return [...lacking(log, acknowledged), ...outOfOrder(log, places)];
    });

function lacking(log: GeoLog, acknowledged: readonly { value: string }[]): string[] {
  const newest = newestOf(log.records);
  return [...newestOf(acknowledged)]
    .filter(([key, value]) => newest.get(key) !== value)
    .map(([key, value]) => `${nameOf(log)} has ${newest.get(key)} as the newest, and not ${value}`);
}

const newestOf = (records: readonly { value: string }[]): Map<string | null, string> =>
  new Map(records.map(({ value }) => [keyOf(value), value]));

function outOfOrder(log: GeoLog, places: ReadonlyMap<string, number>): string[] {
  let last = -1;
  for (const { value, offset } of log.records) {
    const place = places.get(value);
    if (place === undefined) return [`${nameOf(log)} has ${value} at ${offset}, which nobody was told of`];
    if (place <= last) return [`${nameOf(log)} has ${value} at ${offset} twice, or behind a later one`];
    last = place;
  }
  return [];
}
