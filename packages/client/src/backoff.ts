/**
 * Full jitter: a wait drawn uniformly from 0 to a ceiling that doubles with each failure, so that many clients which
 * lost the same broker do not come back together. Used wherever this package tries again.
 */
import type { Random } from '@meridian/io';
import type { ClientLimits } from './limits.ts';

/** `failures` ≥ 1. */
export function backoffMs(
  random: Random,
  limits: Pick<ClientLimits, 'backoffBaseMs' | 'backoffCapMs'>,
  failures: number,
): number {
  const ceiling = Math.min(limits.backoffCapMs, limits.backoffBaseMs * 2 ** Math.min(failures, 20));
  return random.next() * ceiling;
}
