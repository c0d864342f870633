/**
 * A consumer group that moves between regions: reads a topic where it was born or one of its copies, commits what it has
 * processed, stops, and goes on in another region from what is committed there. Each move is a fail-over.
 * Invariant: what it enters into the history is what it knew at that moment; the checkers judge it.
 */
import type { Client } from '@meridian/client';
import type { Io } from '@meridian/io';
import { below, between } from '@meridian/io/sim';
import { ERROR } from '@meridian/protocol';
import type { GeoRegion } from './geo-region.ts';
import type { History } from './history.ts';
import { GEO } from './limits.ts';
import type { Mesh } from './mesh.ts';
import { copyOf } from './plan.ts';
import { recordsOf } from './stored-geo.ts';

const TOPIC = 'orders';

export interface Traveller {
  readonly group: string;
  /** The region in which its topic was born. */
  readonly home: string;
  readonly partition: number;
  /** Values, each as often as it was processed, in that order. */
  readonly processed: string[];
}

export function startTraveller(mesh: Mesh, history: History, index: number, isOver: () => boolean): Traveller {
  const home = mesh.regions[index % mesh.regions.length]!;
  const partition = index % GEO.partitions;
  const traveller: Traveller = { group: `group-${index}`, home: home.name, partition, processed: [] };
  travel(mesh, history, traveller, isOver).catch((error: Error) =>
    mesh.world.trace(`${traveller.group} broke: ${error.stack}`),
  );
  return traveller;
}

async function travel(mesh: Mesh, history: History, traveller: Traveller, isOver: () => boolean): Promise<void> {
  const { world } = mesh;
  let at = mesh.region(traveller.home);
  let position: number | undefined = 0;
  const known = { committed: 0, committedMs: 0 };
  while (!isOver()) {
    const { io, client } = at.client(traveller.group);
    const untilMs = world.now() + between(io.random, GEO.stayMs);
    await stay(
      { world, io, client, history, at, traveller, from: position ?? 0, known },
      () => world.now() >= untilMs || isOver(),
    );
    await client.close();
    if (isOver()) return;
    const from = at;
    const others: GeoRegion[] = mesh.regions.filter((region) => region !== from);
    at = others[below(io.random, others.length)]!;
    await io.timers.sleep(between(io.random, GEO.moveMs));
    position = await resume(at, traveller);
    const sinceMs = { fault: world.now() - history.lastFaultMs, commit: world.now() - known.committedMs };
    const isQuiet = history.faultsUnderWay === 0 && sinceMs.fault > GEO.takeOverMs + GEO.groupsFollowMs;
    history.failOvers.push({
      ...{ group: traveller.group, home: traveller.home, partition: traveller.partition, from: from.name, to: at.name },
      atMs: world.now(),
      resumed: position,
      processed: new Set(traveller.processed).size,
      committed: known.committed,
      wasQuiet: isQuiet && sinceMs.commit > GEO.groupsFollowMs,
    });
  }
}

interface Stay {
  readonly world: Mesh['world'];
  readonly io: Io;
  readonly client: Client;
  readonly history: History;
  readonly at: GeoRegion;
  readonly traveller: Traveller;
  readonly from: number;
  readonly known: { committed: number; committedMs: number };
}

/** What the group reads in a region: where it was born, or the copy. */
export const placeAt = (at: GeoRegion, { home, partition }: Traveller): { topic: string; partition: number } => ({
  topic: at.name === home ? TOPIC : copyOf(home, TOPIC),
  partition,
});

/** Reads and commits until it is time to go. */
async function stay(here: Stay, isOver: () => boolean): Promise<void> {
  const { world, io, client, at, traveller, from, known } = here;
  const { group, processed } = traveller;
  const { topic, partition } = placeAt(at, traveller);
  const own = { offset: -1, sinceMs: 0 };
  const fetcher = client.fetcher({ isolation: 'read_committed', maxWaitMs: 200 });
  let next = from;
  const handle = fetcher.add({
    topic,
    partition,
    offset: from,
    onBatches: (slice) => {
      for (const { offset, value } of recordsOf(slice)) if (offset >= next) processed.push(value);
      next = Math.max(next, slice.nextOffset);
    },
    onError: ({ detail }) => world.trace(`${group} at ${at.name}: ${detail}`),
  });
  while (!isOver()) {
    await io.timers.sleep(GEO.retryMs);
    await lookBack(here, own);
    const [offset, count] = [next, new Set(processed).size];
    const askedMs = world.now();
    try {
      const [outcome] = await client.commitOffsets(group, [{ topic, partition, offset }], {
        timeoutMs: GEO.clientRequestMs,
      });
      if (outcome?.errorCode !== ERROR.NONE) continue;
      if (askedMs >= own.sinceMs) own.offset = offset;
      if (offset === 0 || count === known.committed) continue;
      known.committed = count;
      known.committedMs = world.now();
    } catch (error) {
      world.trace(`${group} cannot commit at ${at.name}: ${(error as Error).message}`);
      Object.assign(own, { offset: -1, sinceMs: world.now() + GEO.lateCommitMs });
    }
  }
  handle.remove();
  fetcher.close();
}

/**
 * What the group has committed itself is not put back by anybody. `own`: the last commit that was answered; not looked at
 * before `sinceMs`, as one that was not answered may come late.
 */
async function lookBack({ world, client, history, at, traveller }: Stay, own: { offset: number }): Promise<void> {
  if (own.offset < 0) return;
  const { group } = traveller;
  const { topic, partition } = placeAt(at, traveller);
  const call = { timeoutMs: GEO.clientRequestMs };
  const offsets = (await client.committedOffsets([group], call).catch(() => undefined))?.get(group);
  const atMs = world.now();
  if (offsets === undefined || history.isMending(at.name, atMs, GEO.mendMs)) return;
  const found = offsets.find((each) => each.topic === topic && each.partition === partition)?.offset ?? -1;
  if (found < own.offset) history.rewinds.push({ group, at: at.name, atMs, committed: own.offset, found });
}

/** Where the group goes on; undefined: nothing is committed here. It asks until it is answered. */
async function resume(at: GeoRegion, traveller: Traveller): Promise<number | undefined> {
  const { io, client } = at.client(traveller.group);
  try {
    for (;;) {
      const committed = await client.committedOffsets([traveller.group]).catch(() => undefined);
      const offsets = committed?.get(traveller.group);
      if (offsets !== undefined) {
        const { topic, partition } = placeAt(at, traveller);
        const found = offsets.find((each) => each.topic === topic && each.partition === partition);
        return found === undefined || found.offset < 0 ? undefined : found.offset;
      }
      await io.timers.sleep(GEO.retryMs);
    }
  } finally {
    await client.close();
  }
}
