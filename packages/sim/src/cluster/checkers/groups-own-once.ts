/** I9: in a generation a partition has one owner, and what a group has processed by the end is all that was acknowledged. */
import { groupKey, type History } from '../history.ts';

export function groupsOwnOnce({ owned }: History): string[] {
  const owners = new Map<string, string>();
  return owned.flatMap(({ group, generation, member, topic, index }) => {
    const key = `${groupKey(group, topic, index)} in generation ${generation}`;
    const owner = owners.get(key);
    owners.set(key, owner ?? member);
    return owner === undefined || owner === member ? [] : [`${key} belongs to ${owner} and to ${member}`];
  });
}

/** At least once: a commit never skips what nobody has processed. */
export function groupsProcessAll({ partitions, processed }: History, groups: ReadonlyMap<string, string>): string[] {
  return [...groups].flatMap(([group, wanted]) =>
    [...partitions.values()].flatMap(({ topic, index, acknowledged }) => {
      if (topic !== wanted) return [];
      const done = processed.get(groupKey(group, topic, index));
      const missed = acknowledged.filter(({ value }) => !done?.has(value));
      if (missed.length === 0) return [];
      const first = `${missed[0]?.value} at ${missed[0]?.offset}`;
      return [`group ${group} never processed ${missed.length} records of ${topic}-${index}, the first is ${first}`];
    }),
  );
}
