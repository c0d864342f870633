/**
 * What a decoder takes of memory, measured: bytes that V8 has handed out during a call (garbage included) and, where that
 * is suspicious, bytes that are still held when everything else has been collected. Used by the fuzzing loop.
 * Invariant: nobody is accused by garbage alone, unless there is very much of it.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** No decoder may hold more than this, times its input. */
const MAX_RATIO = 8;
/** Nor hand out more on the way, times its input: work that is thrown away is work, too. */
const MAX_GARBAGE_RATIO = 64;
/** An error with its stack, and a page of V8's, in which it counts. */
const SLACK_BYTES = 262_144;
/** How often a result is weighed before it is accused. */
const WEIGHINGS = 4;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function handedOut(): number {
  const { total_allocated_bytes: heap, external_memory: external } = getHeapStatistics() as Statistics;
  return heap + external;
}

type Statistics = ReturnType<typeof getHeapStatistics> & { total_allocated_bytes: number };

/**
 * Runs it; throws if it takes too much. `baseBytes` may be taken whatever the input is: a bound of the unit's own, such as
 * that of unpacking, or the protocol's for short lists.
 */
export function metered(run: () => unknown, inputBytes: number, baseBytes: number): unknown {
  const before = handedOut();
  const result = run();
  if (result instanceof Promise) return result;
  const allowed = inputBytes * MAX_RATIO + baseBytes + SLACK_BYTES;
  if (handedOut() - before <= allowed) return result;
  // Compiled code and whole pages of V8's are counted when they come: what the input takes, it takes again.
  const again = handedOut();
  run();
  const taken = handedOut() - again;
  if (taken <= allowed) return result;
  if (taken > inputBytes * MAX_GARBAGE_RATIO + (baseBytes + SLACK_BYTES) * MAX_RATIO) {
    throw new Error(`${taken} bytes of garbage for an input of ${inputBytes}`);
  }
  const held = leastHeldBytes(run, allowed);
  if (held > allowed) throw new Error(`${held} bytes held for an input of ${inputBytes}, allowed are ${allowed}`);
  return result;
}

/** Compiled code and tables that grow stay, but come once: what the result keeps alive, it keeps at every weighing. */
function leastHeldBytes(run: () => unknown, allowed: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let weighing = 0; weighing < WEIGHINGS && least > allowed; weighing++) least = Math.min(least, heldBytes(run));
  return least;
}

/** What the result keeps alive. */
export function heldBytes(run: () => unknown): number {
  run();
  const before = liveBytes();
  const result = run();
  const held = liveBytes() - before;
  return result === held ? 0 : held; // names the result, so that it lives until it has been weighed
}

function liveBytes(): number {
  collect();
  collect();
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}
