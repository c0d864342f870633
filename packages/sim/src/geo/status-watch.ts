/**
 * Looks at what every mirror says of itself, all the time: each state that is not well has a reason. And once, at the end
 * of a run, with all regions cut off from one another: no partition is called healthy then.
 */
import type { History } from './history.ts';
import { GEO } from './limits.ts';
import type { Mesh } from './mesh.ts';

const NEEDS_REASON = new Set(['paused', 'retrying', 'halted', 'deleted']);

export function watchStatus(mesh: Mesh, history: History): void {
  look(mesh, (mirror, topic, state, reason) => {
    if (NEEDS_REASON.has(state) && (reason === null || reason === '')) {
      history.badStatus.set(`${mirror} ${state}`, { mirror, what: `${topic} is ${state} without a reason` });
    }
  });
  mesh.world.after(GEO.lookMs, () => watchStatus(mesh, history));
}

/** Returns whether anything was cut that could be called healthy. */
export async function watchSilence(mesh: Mesh, history: History): Promise<void> {
  const links = mesh.pairs().flatMap(({ from, to }) => mesh.between(from, to));
  for (const link of links) link.set({ cut: true });
  mesh.world.trace('all regions are cut off');
  await mesh.world.run(mesh.world.now() + GEO.silentMs);
  look(mesh, (mirror, topic, state) => {
    if (state === 'running' || state === 'catching-up')
      history.badStatus.set(`${mirror} ${topic}`, { mirror, what: `${topic} is ${state}, and nothing is heard of it` });
  });
  for (const link of links) link.set({ cut: false });
  await mesh.world.run(mesh.world.now() + GEO.reconnectMs);
}

function look(mesh: Mesh, see: (mirror: string, topic: string, state: string, reason: string | null) => void): void {
  for (const { mirrors } of mesh.regions)
    for (const { node, running } of mirrors)
      for (const link of running?.status() ?? []) {
        see(node.name, link.name, link.state, link.reason);
        for (const { copy, partition, state, reason } of link.partitions)
          see(node.name, `${copy}-${partition}`, state, reason);
      }
}

/** For the trace: what the mirrors say of what is not well. */
export function statusLines(mesh: Mesh): string[] {
  const lines: string[] = [];
  look(mesh, (mirror, topic, state, reason) => {
    if (state !== 'running') lines.push(`${mirror}: ${topic} is ${state}: ${reason}`);
  });
  return lines;
}
