/** Disks that are slow, full or fail. A failed sync is damage: what it stood for is gone. */
import { between } from '@meridian/io/sim';
import { CLUSTER_LIMITS as LIMITS } from '../limits.ts';
import { pick } from '../plan.ts';
import type { Fault, FaultEntry } from './fault.ts';

const slowDisk: Fault = ({ region, random }) => {
  const { node } = pick(random, region.slots);
  node.setSlow(LIMITS.slowDiskMs);
  return () => node.setSlow(undefined);
};

/** A log that has no room goes offline, and the node's only log dir with it: to others that is a death. */
const fullDisk: Fault = ({ region, random, atlas }) => {
  const slot = pick(random, region.slots);
  if (!atlas.mayDamage(slot)) return false;
  atlas.damaged(slot);
  slot.node.setFreeBytes(Math.floor(between(random, LIMITS.freeBytes)));
  return () => slot.node.setFull(false);
};

const failedSync: Fault = ({ region, random, atlas }) => {
  const slot = pick(random, region.slots);
  if (!atlas.mayDamage(slot)) return false;
  atlas.damaged(slot);
  slot.node.failNextSync();
  return undefined;
};

export const DISK_FAULTS: readonly FaultEntry[] = [
  { name: 'slow disk', weight: 2, begin: slowDisk },
  { name: 'full disk', weight: 1.5, begin: fullDisk },
  { name: 'failed sync', weight: 1, begin: failedSync },
];
