/**
 * Reassignments as lists of brokers (KIP-455): which replicas come and go when others are asked for, when that is
 * complete, and what it goes back to when it is called off. Used by `partition-change.ts` and the decisions.
 *
 *   start: replicas = wanted + leaving ─▶ all that stay are in sync ─▶ leaving ones go, nobody is adding or removing
 *
 * Invariant: while it is under way, adding and removing are parts of the replicas and have nobody in common.
 */
import type { PartitionInfo } from '../image.ts';

export interface Reassignment {
  readonly replicas: readonly number[];
  readonly adding: readonly number[];
  readonly removing: readonly number[];
}

export function isReassigning(partition: Pick<PartitionInfo, 'addingReplicas' | 'removingReplicas'>): boolean {
  return partition.addingReplicas.length + partition.removingReplicas.length > 0;
}

/**
 * What a partition with these replicas has until the wanted ones are all in sync. Those that an earlier reassignment was
 * still bringing in are new ones yet.
 */
export function startedReassignment(
  replicas: readonly number[],
  stillAdding: readonly number[],
  wanted: readonly number[],
): Reassignment {
  const isNew = (id: number): boolean => !replicas.includes(id) || stillAdding.includes(id);
  const removing = replicas.filter((id) => !wanted.includes(id)).sort((a, b) => a - b);
  const adding = wanted.filter(isNew).sort((a, b) => a - b);
  return { replicas: [...wanted, ...removing], adding, removing };
}

/** What is left once it is complete; undefined if none is under way or one that stays is not in sync yet. */
export function completedReassignment(
  at: Reassignment & { readonly isr: readonly number[] },
): (Reassignment & { isr: readonly number[] }) | undefined {
  if (at.adding.length + at.removing.length === 0) return undefined;
  const staying = (id: number): boolean => !at.removing.includes(id);
  const isr = at.isr.filter(staying);
  const replicas = at.replicas.filter(staying);
  if (isr.length === 0 || !replicas.every((id) => isr.includes(id))) return undefined;
  return { replicas, isr, adding: [], removing: [] };
}

/** The replicas from before it began, and who of them is in sync. */
export function revertedReassignment(partition: PartitionInfo): {
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
} {
  const wasThere = (id: number): boolean => !partition.addingReplicas.includes(id);
  return { replicas: partition.replicas.filter(wasThere), isr: partition.isr.filter(wasThere) };
}
