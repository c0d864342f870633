/**
 * Looks all the time at what is committed for each group in each region, and where its topic ends there. Started once by the
 * run; what is seen is judged at the end. Invariant: how much a group had processed is noted after what was committed,
 * and where the log ends after both, so that a commit that is right never looks too far ahead.
 */
import { LATEST } from '@meridian/client';
import { ERROR } from '@meridian/protocol';
import type { GeoRegion } from './geo-region.ts';
import type { History } from './history.ts';
import { GEO } from './limits.ts';
import type { Mesh } from './mesh.ts';
import { placeAt, type Traveller } from './traveller.ts';

export function watchGroups(
  mesh: Mesh,
  history: History,
  travellers: readonly Traveller[],
  isOver: () => boolean,
): void {
  for (const at of mesh.regions)
    watch(mesh, history, travellers, at, isOver).catch((error: Error) =>
      mesh.world.trace(`groups are not watched any more: ${error.stack}`),
    );
}

async function watch(
  { world }: Mesh,
  history: History,
  travellers: readonly Traveller[],
  at: GeoRegion,
  isOver: () => boolean,
): Promise<void> {
  const { io, client } = at.client('group-watch');
  const last = new Map<string, number>();
  while (!isOver()) {
    await io.timers.sleep(GEO.lookMs);
    const call = { timeoutMs: GEO.clientRequestMs };
    const groups = travellers.map(({ group }) => group);
    const committed = await client.committedOffsets(groups, call).catch(() => undefined);
    const found = travellers.flatMap((traveller) => {
      const { topic, partition } = placeAt(at, traveller);
      const offsets = committed?.get(traveller.group) ?? [];
      const offset = offsets.find((each) => each.topic === topic && each.partition === partition)?.offset ?? -1;
      if (offset < 0 || offset === last.get(traveller.group)) return [];
      return [{ traveller, offset, processed: new Set(traveller.processed).size, query: { topic, partition } }];
    });
    if (found.length === 0) continue;
    const queries = found.map(({ query }) => ({ ...query, timestamp: LATEST }));
    const ends = await client.listOffsets(queries, call).catch(() => []);
    if (history.isMending(at.name, world.now(), GEO.mendMs)) continue;
    for (const [index, { traveller, offset, processed }] of found.entries()) {
      const end = ends[index];
      if (end === undefined || end.errorCode !== ERROR.NONE) continue;
      last.set(traveller.group, offset);
      const { group, home, partition } = traveller;
      const seen = { group, home, partition, at: at.name, atMs: world.now(), offset, end: end.offset, processed };
      history.groupSightings.push(seen);
    }
  }
  await client.close();
}
