/** No value is stored twice in its region of birth, whatever was sent again. */
import type { Checker } from './checker.ts';

export const storedOnce: Checker = ({ origins }) => {
  const seen = new Map<string, string>();
  const violations: string[] = [];
  for (const { at, partition, records } of origins)
    for (const { offset, value } of records) {
      const place = `${at}-${partition}@${offset}`;
      const first = seen.get(value);
      if (first !== undefined) violations.push(`${value} is stored at ${first} and again at ${place}`);
      else seen.set(value, place);
    }
  return violations;
};
