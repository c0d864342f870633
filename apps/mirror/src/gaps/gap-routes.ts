/**
 * The management port's routes for gaps; `links/link-routes.ts` has the others.
 *
 *   GET   /v1/gaps            {gaps, unreadable}: all on record in this region, oldest first
 *   POST  /v1/gaps/decide     {link, topic, partition?, policy}: about partitions that are halted by a lost range
 *
 * Invariant: what is decided is on record before anybody acts on it, as if the topic's policy had said so.
 */
import { type ManagementRoute, Refused } from '@meridian/service';
import type { MirrorTask } from '../task/mirror-task.ts';
import type { GapPolicy } from './gap-record.ts';
import type { GapStore } from './gap-store.ts';

export interface GapRoutesOptions {
  readonly gaps: Pick<GapStore, 'list' | 'unreadable' | 'look'>;
  /** How long the region is waited for where it has not answered yet. */
  readonly reachMs: number;
  /** Those that this process runs. */
  tasksOf(link: string, topic: string): readonly MirrorTask[];
}

interface Decision {
  readonly link: string;
  readonly topic: string;
  readonly partition?: number;
  readonly policy: Exclude<GapPolicy, 'halt'>;
}

const DECISION = {
  type: 'object',
  additionalProperties: false,
  properties: {
    link: { type: 'string', minLength: 1, maxLength: 128 },
    topic: { type: 'string', minLength: 1, maxLength: 249 },
    partition: { type: 'integer', minimum: 0 },
    policy: { type: 'string', enum: ['mark-gap', 'new-incarnation'] },
  },
  required: ['link', 'topic', 'policy'],
} as const;

async function listed({ gaps, reachMs }: GapRoutesOptions) {
  await gaps.look(reachMs).catch((error: Error) => {
    throw new Refused(503, `the record of gaps cannot be read: ${error.message}`);
  });
  return { gaps: gaps.list(), unreadable: gaps.unreadable };
}

export function gapRoutes(options: GapRoutesOptions): ManagementRoute[] {
  return [
    { method: 'GET', path: '/v1/gaps', handle: () => listed(options) },
    {
      ...{ method: 'POST', path: '/v1/gaps/decide', body: DECISION },
      handle: ({ body }) => {
        const { link, topic, partition, policy } = body as Decision;
        const here = options
          .tasksOf(link, topic)
          .filter(({ place }) => partition === undefined || place.partition === partition);
        const lost = here.filter(({ task }) => task.lost !== null);
        if (here.length === 0) throw new Refused(404, `this mirror has no partition of a topic ${topic} in ${link}`);
        if (lost.length === 0)
          throw new Refused(409, `nothing of ${topic} is halted by a lost range: there is nothing to decide`);
        for (const task of lost) task.feed({ type: 'decide', policy });
        return { decided: lost.map(({ place }) => place.partition), policy };
      },
    },
  ];
}
