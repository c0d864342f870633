/** What a fault of the storm is, and what it may use. Tables of them lie beside; `storm.ts` draws and ends them. */
import type { Random } from '@meridian/io';
import type { FaultAtlas } from '../atlas.ts';
import type { NodeSlot } from '../node-slot.ts';
import type { Region } from '../region.ts';
import type { NodeState } from '../views.ts';
import type { Churn } from '../workload/churn.ts';

export interface FaultContext {
  readonly region: Region;
  readonly atlas: FaultAtlas;
  readonly random: Random;
  /** What admin clients do to the region. */
  readonly churn: Churn;
  nodes(): readonly NodeState[];
  /** Calls `run` as soon as some node is in another epoch of the metadata quorum, once; the function gives it up. */
  whenEpochMoves(run: (slot: NodeSlot, epoch: number) => void): () => void;
}

/**
 * Begins a fault. False: not possible now, nothing has happened. A function ends it; undefined: there is nothing to end.
 */
export type Fault = (context: FaultContext) => false | undefined | (() => void);

export interface FaultEntry {
  readonly name: string;
  /** How often it is drawn, relative to the others. */
  readonly weight: number;
  readonly begin: Fault;
}
