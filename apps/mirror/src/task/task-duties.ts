/**
 * What the shells of both engines do alike for their machines: put a lost range on record, wait before they try again,
 * make sure that the origin is the one that is meant. Invariant: nothing here changes a machine; the caller feeds it.
 */
import type { CallOptions, Client } from '@meridian/client';
import type { Random } from '@meridian/io';
import { ZERO_UUID } from '@meridian/protocol';
import { treatmentOf } from '../gaps/gap-policy.ts';
import type { GapPolicy, LostRange } from '../gaps/gap-record.ts';
import type { MirrorLimits } from '../limits.ts';
import type { TaskContext, TaskPlace } from './mirror-task.ts';

type Recorded =
  | { readonly type: 'recorded'; readonly policy: GapPolicy }
  | { readonly type: 'unrecorded'; readonly reason: string };

/** `policy` undefined: as the topic's policy says. */
export async function recordGap(
  { gaps, log }: Pick<TaskContext, 'gaps' | 'log'>,
  place: TaskPlace,
  lost: LostRange,
  policy: GapPolicy | undefined,
): Promise<Recorded> {
  const { link, topic, partition, copy } = place;
  const { reason } = lost;
  const decided = policy ?? gaps.policyOf(topic);
  const treatment = treatmentOf(lost, decided);
  log.error('records of the origin are lost to the copy', { link, copy, partition, reason, treatment });
  try {
    await gaps.record(place, lost, treatment);
    return { type: 'recorded', policy: decided };
  } catch (error) {
    return { type: 'unrecorded', reason: (error as Error).message };
  }
}

type Waits = Pick<MirrorLimits, 'backoffBaseMs' | 'backoffCapMs' | 'refusedBackoffMs'>;

/** Full jitter for the n-th failure in a row; 0: at once. `isSlow`: nothing will change soon. */
export function retryDelayMs(random: Random, limits: Waits, failures: number, isSlow: boolean): number {
  if (failures === 0) return 0;
  const grown = Math.min(limits.backoffCapMs, limits.backoffBaseMs * 2 ** Math.min(failures, 20));
  return random.next() * (isSlow ? limits.refusedBackoffMs : grown);
}

/** By its name, another topic would answer in the place of one that was created anew. */
export async function checkOrigin(source: Client, { topic, topicId }: TaskPlace, call: CallOptions): Promise<void> {
  const id = (await source.metadata([topic], call)).topics.get(topic)?.id ?? ZERO_UUID;
  if (id !== ZERO_UUID && id !== topicId) throw new Error(`the origin has another topic of this name, with id ${id}`);
}
