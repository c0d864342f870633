/**
 * What a checker of a running region is: it is shown every move and names what must not be. One checker per file.
 * Invariant: a watcher only looks; it never waits, draws or calls into the nodes.
 */
import type { NodeState, ReplicaState } from '../views.ts';

/** Names a violation. */
export type Fail = (what: string) => void;

export interface Watcher {
  /** An event is over; what has moved follows, if anything has. */
  begin?(): void;
  /** A replica is another than before the event; `before` is undefined when its node has just opened it. */
  replicaMoved?(now: ReplicaState, before: ReplicaState | undefined): void;
  /** A live node's image, role or epoch has moved. */
  nodeMoved?(node: NodeState): void;
}

/** Who is told the moves of a run, and the ends that logs once had, which several checkers ask for. */
export type CreateWatcher = (fail: Fail) => Watcher;
