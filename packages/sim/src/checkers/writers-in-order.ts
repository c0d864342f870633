/** Within a partition the values of one writer stand in the order in which it wrote them. */
import type { Checker } from './checker.ts';

export const writersInOrder: Checker = ({ origins }) =>
  origins.flatMap(({ at, partition, records }) => {
    const last = new Map<string, number>();
    return records.flatMap(({ offset, value }) => {
      const [writer = '', count = ''] = value.split(':');
      const before = last.get(writer) ?? -1;
      last.set(writer, Number(count));
      return Number(count) > before
        ? []
        : [`${value} at ${at}-${partition}@${offset} stands after ${writer}:${before}`];
    });
  });
