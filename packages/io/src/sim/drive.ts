/**
 * Runs the steps of a simulated world, each with all the promise reactions that follow from it before the next.
 * Invariant: a step begins only when no microtask is left. Node works off `process.nextTick` and promise reactions
 * between any two immediates, so one step per immediate is enough; queueing them by the round saves the turns of
 * the event loop. Code under simulation must not wait for threads (asynchronous zlib, crypto or fs), but by the doorway.
 */
import { SIM_IMMEDIATES_PER_ROUND } from '../limits.ts';

/** `step` says whether there is more to do; what it throws rejects the promise. */
export function drive(step: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let over = false;
    const tick = (): void => {
      if (over) return;
      try {
        if (step()) return;
        resolve();
      } catch (error) {
        reject(error);
      }
      over = true;
    };
    const round = (): void => {
      for (let count = 1; count < SIM_IMMEDIATES_PER_ROUND; count++) setImmediate(tick);
      setImmediate(() => {
        tick();
        if (!over) round();
      });
    };
    round();
  });
}
