/**
 * Asks what a plan of a fail-over is made of: copies here, their origins as far as they answer, links, and groups.
 * Called for every plan and before every run. Invariant: it changes nothing, and is bounded by `originReachMs` a region.
 */
import type { PartitionStatus } from '../status.ts';
import type { FailoverContext } from './failover-context.ts';
import { type CommitFound, type Copy, failoverPlan, type OriginFound } from './failover-plan.ts';
import type { FailoverPlan } from './messages.ts';
import { logEnds, writersOf } from './origin-facts.ts';
import { topicsOfScope } from './scope.ts';

export interface PlannedFailover {
  readonly plan: FailoverPlan;
  readonly copies: readonly Copy[];
}

/** Undefined: nothing here is called so. */
export async function planFailover(
  context: FailoverContext,
  name: string,
  from: string | undefined,
): Promise<PlannedFailover | undefined> {
  const { here, regions, io } = context;
  const all = (await here.catalog.read(context.signal)).filter((topic): topic is Copy => topic.origin !== undefined);
  const { scope, topics: copies } = topicsOfScope(name, from, regions, all);
  if (copies.length === 0) return undefined;
  const [own, origins, commits] = await Promise.all([
    logEnds(here, copies, context),
    findOrigins(context, copies),
    findCommits(context, new Set(copies.map((copy) => copy.name))),
  ]);
  const links = context.links();
  const plan = failoverPlan({
    ...{ scope, to: here.name, atMs: io.clock.now(), copies, origins, commits },
    isEmbedded: here.engine === 'embedded',
    copyEnds: own.ends,
    statuses: statusesOf(links),
    followed: links.flatMap(({ groups }) => groups),
  });
  return { plan, copies };
}

function statusesOf(links: ReturnType<FailoverContext['links']>): Map<string, PartitionStatus[]> {
  const statuses = new Map<string, PartitionStatus[]>();
  for (const { from, partitions } of links) statuses.set(from, [...(statuses.get(from) ?? []), ...partitions]);
  return statuses;
}

async function findOrigins(context: FailoverContext, copies: readonly Copy[]): Promise<Map<string, OriginFound>> {
  const names = [...new Set(copies.map(({ origin }) => origin.originRegion))];
  const found = await Promise.all(
    names.map(async (region): Promise<[string, OriginFound]> => {
      const side = context.regions.get(region);
      const topics = copies
        .filter(({ origin }) => origin.originRegion === region && origin.promotedAt === undefined)
        .map(({ origin, partitions }) => ({ name: origin.originTopic, partitions }));
      if (side === undefined) return [region, { isReachable: false, ends: new Map(), writers: new Map() }];
      const { isReachable, ends } = await logEnds(side, topics, context);
      return [region, { isReachable, ends, writers: isReachable ? await writersOf(side, topics, context) : new Map() }];
    }),
  );
  return new Map(found);
}

/** Of the groups here, what they have committed to the copies. */
async function findCommits({ here, limits, signal }: FailoverContext, copies: ReadonlySet<string>) {
  const call = { timeoutMs: limits.requestTimeoutMs, signal };
  const groups = (await here.client.listGroups(call)).filter(({ group }) => !group.startsWith('__'));
  const committed = await here.client.committedOffsets(
    groups.map(({ group }) => group),
    call,
  );
  return groups.flatMap(({ group, state }): CommitFound[] =>
    (committed.get(group) ?? [])
      .filter(({ topic }) => copies.has(topic))
      .map(({ topic, partition, offset, metadata }) => ({ group, state, topic, partition, offset, metadata })),
  );
}
