/** An acknowledged record is in its region of birth and in every other, at the offset that its writer was told. */
import type { Checker } from './checker.ts';

export const acknowledgedStored: Checker = ({ ledger, origins, copies }) => {
  const places = new Map<string, Map<number, string>[]>();
  const add = (region: string, partition: number, records: readonly { offset: number; value: string }[]): void => {
    const key = `${region}/${partition}`;
    const found = places.get(key) ?? [];
    found.push(new Map(records.map(({ offset, value }) => [offset, value])));
    places.set(key, found);
  };
  for (const { at, partition, records } of origins) add(at, partition, records);
  for (const { origin, stored } of copies) add(origin, stored.partition, stored.records);
  return ledger.acknowledged.flatMap(({ region, partition, offset, value }) => {
    const logs = places.get(`${region}/${partition}`) ?? [];
    const missing = logs.filter((log) => log.get(offset) !== value).length;
    return missing === 0 && logs.length > 1
      ? []
      : [`${value}, acknowledged at ${region}-${partition}@${offset}, is missing in ${missing} of ${logs.length} logs`];
  });
};
