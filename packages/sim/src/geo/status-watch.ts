/**
 * Looks at what every mirror says of itself, all the time: each state that is not well has a reason, and what is called
 * healthy knows what its origin has acknowledged. And at the end of a run, with all mirrors frozen and with all regions cut
 * off from one another: no partition is called healthy then.
 */
import type { Mirror } from '@meridian/mirror';
import type { History } from './history.ts';
import { GEO } from './limits.ts';
import type { Mesh } from './mesh.ts';
import { copyOf } from './plan.ts';

type LinkStatus = ReturnType<Mirror['status']>[number];

const HEALTHY = new Set(['running', 'catching-up']);
const NEEDS_REASON = new Set(['paused', 'retrying', 'halted', 'deleted']);

export function watchStatus(mesh: Mesh, history: History): void {
  const names = new Set(mesh.regions.flatMap(({ name }) => mesh.plan.topics.map((topic) => copyOf(name, topic))));
  const known = acknowledgedBefore(history, mesh.world.now() - GEO.knownMs);
  look(mesh, ({ mirror, topic, state, reason, link, partition }) => {
    if (NEEDS_REASON.has(state) && (reason === null || reason === ''))
      history.badStatus.set(`${mirror} ${state}`, { mirror, what: `${topic} is ${state} without a reason` });
    if (partition === undefined) return;
    if (!names.has(partition.copy)) history.stray ??= `noLoop: ${mirror} copies ${partition.copy}`;
    const wanted = known.get(`${link.from} ${partition.topic} ${partition.partition}`) ?? -1;
    if (!HEALTHY.has(state) || (partition.sourceEnd ?? 0) > wanted) return;
    const what = `${topic} is ${state} and ends at ${partition.sourceEnd}, its origin had acknowledged ${wanted} long before`;
    history.badStatus.set(`${mirror} ${topic}`, { mirror, what });
  });
  mesh.world.after(GEO.lookMs, () => watchStatus(mesh, history));
}

/** The last offsets that were acknowledged by then, of topics as they are now. */
function acknowledgedBefore(history: History, thenMs: number): Map<string, number> {
  const last = new Map<string, number>();
  for (const { region, topic, partition, offset, atMs, life } of history.acknowledged) {
    const key = `${region} ${topic} ${partition}`;
    if (atMs <= thenMs && life === history.lifeOf(region, topic)) last.set(key, Math.max(offset, last.get(key) ?? -1));
  }
  return last;
}

/** Whoever asks a process that was frozen is answered before that has heard of anybody else: not that all is well. */
export async function watchFrozen(mesh: Mesh, history: History): Promise<void> {
  for (const { mirrors } of mesh.regions) for (const { node } of mirrors) node.stall(GEO.frozenMs);
  await mesh.world.run(mesh.world.now() + GEO.frozenMs - 1);
  lookForHealth(mesh, history, 'it was frozen until now', 'partitions');
  await mesh.world.run(mesh.world.now() + GEO.reconnectMs);
}

export async function watchSilence(mesh: Mesh, history: History): Promise<void> {
  const links = mesh.pairs().flatMap(({ from, to }) => mesh.between(from, to));
  for (const link of links) link.set({ cut: true });
  mesh.world.trace('all regions are cut off');
  await mesh.world.run(mesh.world.now() + GEO.silentMs);
  lookForHealth(mesh, history, 'nothing is heard of it', 'all');
  for (const link of links) link.set({ cut: false });
  await mesh.world.run(mesh.world.now() + GEO.reconnectMs);
}

/** A link alone, without partitions of this mirror, has nothing that could be silent. */
function lookForHealth(mesh: Mesh, history: History, why: string, of: 'all' | 'partitions'): void {
  look(mesh, ({ mirror, topic, state, partition }) => {
    if (HEALTHY.has(state) && (of === 'all' || partition !== undefined))
      history.badStatus.set(`${mirror} ${topic}`, { mirror, what: `${topic} is ${state}: ${why}` });
  });
}

interface Told {
  readonly mirror: string;
  /** Of a link, its name. */
  readonly topic: string;
  readonly state: string;
  readonly reason: string | null;
  readonly link: LinkStatus;
  readonly partition?: LinkStatus['partitions'][number];
}

function look(mesh: Mesh, see: (told: Told) => void): void {
  for (const { mirrors } of mesh.regions)
    for (const { node, running } of mirrors)
      for (const link of running?.status() ?? []) {
        const mirror = node.name;
        see({ mirror, topic: link.name, state: link.state, reason: link.reason, link });
        for (const partition of link.partitions) {
          const topic = `${partition.copy}-${partition.partition}`;
          see({ mirror, topic, state: partition.state, reason: partition.reason, link, partition });
        }
      }
}

/** For the trace: what the mirrors say of what is not well. */
export function statusLines(mesh: Mesh): string[] {
  const lines: string[] = [];
  look(mesh, ({ mirror, topic, state, reason }) => {
    if (state !== 'running') lines.push(`${mirror}: ${topic} is ${state}: ${reason}`);
  });
  return lines;
}
