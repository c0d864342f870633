/**
 * Waits for copies by their ends: until they have begun, have caught up, or nothing comes any more. Used by `chaos -- mirror`.
 */
import { type Client, createClient, LATEST } from '@meridian/client';
import { silentLogger } from '@meridian/io';
import { createRealIo } from '@meridian/io/real';
import { ERROR } from '@meridian/protocol';
import { pause } from '../../bench/mirror/topics.ts';
import type { Bootstrap } from './side.ts';

const POLL_MS = 5_000;
const BEGUN_POLL_MS = 200;
const CAUGHT_UP_MS = 180_000;
/** MirrorMaker's worker is let in again when its predecessor's session is over; then its tasks begin. */
const QUIET_MS = 60_000;
const QUIET_LIMIT_MS = 300_000;

type IsEnough = (ends: readonly number[], stillMs: number) => boolean;

export interface Copy {
  readonly bootstrap: Bootstrap;
  readonly topic: string;
  readonly partitions: number;
}

/** Whoever is not copying yet has nothing to lose. */
export const untilBegun = (copy: Copy): Promise<void> =>
  watch(copy, (ends) => ends.every((end) => end > 0), CAUGHT_UP_MS, BEGUN_POLL_MS);

/** Has as many records as its origin, and gets no more; or gets no further for so long that it is not going to. */
export const untilCaughtUp = (copy: Copy, counts: readonly number[]): Promise<void> =>
  watch(copy, (ends, stillMs) => stillMs > 0 && ends.every((end, index) => end >= counts[index]!), CAUGHT_UP_MS);

/** Nothing has come for a while: whatever it repeats is there. */
export const untilQuiet = (copy: Copy): Promise<void> =>
  watch(copy, (_ends, stillMs) => stillMs >= QUIET_MS, QUIET_LIMIT_MS);

async function watch(copy: Copy, isEnough: IsEnough, limitMs: number, pollMs = POLL_MS): Promise<void> {
  const { bootstrap } = copy;
  const client = createClient({ io: createRealIo(), bootstrap, clientId: 'ends', log: silentLogger });
  const until = performance.now() + limitMs;
  let [before, since] = ['', performance.now()];
  try {
    while (performance.now() < until) {
      // Nobody may answer just now: nobody knows more then.
      const ends = await endsOf(client, copy).catch(() => new Array<number>(copy.partitions).fill(-1));
      if (ends.join() !== before) [before, since] = [ends.join(), performance.now()];
      if (isEnough(ends, performance.now() - since)) return;
      await pause(pollMs);
    }
  } finally {
    await client.close();
  }
}

/** −1: there is no such partition, or nobody answers for it. */
async function endsOf(client: Client, { topic, partitions }: Copy): Promise<number[]> {
  const asked = Array.from({ length: partitions }, (_, partition) => ({ topic, partition, timestamp: LATEST }));
  const listed = await client.listOffsets(asked, { retryForMs: 0 });
  return listed.map(({ errorCode, offset }) => (errorCode === ERROR.NONE ? offset : -1));
}
