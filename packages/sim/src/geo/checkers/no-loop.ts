/** A region has its own topics and a copy of each topic that was born elsewhere; never a copy of a copy. */

import type { GeoChecker } from '../outcome.ts';
import { copyOf } from '../plan.ts';

const isBookkeeping = (name: string): boolean => name.startsWith('__');

export const noLoop: GeoChecker = ({ mesh, topicNames }) =>
  mesh.regions.flatMap(({ name: at }) => {
    const expected = mesh.regions.flatMap(({ name }) =>
      mesh.plan.topics.map((topic) => (name === at ? topic : copyOf(name, topic))),
    );
    const there = (topicNames.get(at) ?? []).filter((name) => !isBookkeeping(name));
    return [
      ...there.filter((name) => !expected.includes(name)).map((name) => `${at} has a topic ${name}`),
      ...expected.filter((name) => !there.includes(name)).map((name) => `${at} has no topic ${name}`),
    ];
  });
