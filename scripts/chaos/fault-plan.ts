/**
 * What is done to the nodes and when: the same seed gives the same plan. Used by `npm run chaos`; `faults.ts` carries it
 * out. Faults come one by one, now and then two at once; between them there is time in which a cluster may recover, or
 * may not have yet.
 */
import { SeededRandom } from '../differential/seeded-random.ts';
import type { Direction } from './network/links.ts';

export type Fault =
  | { readonly kind: 'kill' | 'pause' | 'restart'; readonly nodes: readonly number[] }
  | { readonly kind: 'cut'; readonly directions: readonly Direction[]; readonly endConnections: boolean };

export interface PlannedFault {
  readonly atMs: number;
  /** Until it is undone: the node runs again, the link is whole. */
  readonly durationMs: number;
  readonly fault: Fault;
}

const FIRST_AT_MS = 2_000;
const GAP_MS = [500, 6_000] as const;
/** One gap of so many is none: the next fault comes on top. */
const OVERLAP_ONE_IN = 5;
/** Some shorter, some longer than what the others wait for. */
const DOWN_MS = [200, 6_000] as const;
const PAUSE_MS = [300, 8_000] as const;
const CUT_MS = [300, 9_000] as const;
const NODE_IDS = [1, 2, 3];

/** Faults of which the last one ends before `durationMs`. */
export function planFaults(seed: number, durationMs: number): PlannedFault[] {
  const random = new SeededRandom(seed);
  const plan: PlannedFault[] = [];
  let atMs = FIRST_AT_MS;
  while (true) {
    const planned = { atMs, ...faultOf(random, plan.length) };
    if (atMs + planned.durationMs > durationMs) return plan;
    plan.push(planned);
    atMs += random.oneIn(OVERLAP_ONE_IN)
      ? random.between(...GAP_MS) / 4
      : planned.durationMs + random.between(...GAP_MS);
  }
}

/** Every kind comes in turn, so that a short run has seen most; which node and how long is chance. */
function faultOf(random: SeededRandom, index: number): { durationMs: number; fault: Fault } {
  const node = random.pick(NODE_IDS);
  const others = NODE_IDS.filter((id) => id !== node);
  const other = random.pick(others);
  const down = random.between(...DOWN_MS);
  const cutFor = random.between(...CUT_MS);
  const endConnections = random.oneIn(2);
  const cut = (directions: Direction[]) => ({
    durationMs: cutFor,
    fault: { kind: 'cut', directions, endConnections } as const,
  });
  switch (index % 8) {
    case 0:
    case 4:
      return { durationMs: down, fault: { kind: 'kill', nodes: [node] } };
    case 1:
      return { durationMs: random.between(...PAUSE_MS), fault: { kind: 'pause', nodes: [node] } };
    case 2:
      return cut(waysBetween(node, others));
    case 3:
      return { durationMs: down, fault: { kind: 'restart', nodes: [node] } };
    case 5:
      return cut(random.oneIn(2) ? waysBetween(node, [other]) : [{ from: node, to: other }]);
    case 6:
      return { durationMs: down, fault: { kind: random.oneIn(3) ? 'restart' : 'kill', nodes: NODE_IDS } };
    default:
      return cut(
        random.oneIn(2) ? others.map((id) => ({ from: node, to: id })) : others.map((id) => ({ from: id, to: node })),
      );
  }
}

const waysBetween = (node: number, others: readonly number[]): Direction[] =>
  others.flatMap((other) => [
    { from: node, to: other },
    { from: other, to: node },
  ]);
