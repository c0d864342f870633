/** The bounds that a client is told in `welcome`. */
import type { Limits } from '@meridian/sdk/frames';
import { LIMITS } from '../limits.ts';

export const welcomeLimits: Limits = {
  maxFrameBytes: LIMITS.maxFrameBytes,
  maxSubscriptions: LIMITS.maxSubscriptions,
  maxInFlightPublishes: LIMITS.maxInFlightPublishes,
  maxCreditMessages: LIMITS.maxCreditMessages,
  maxCreditBytes: LIMITS.maxCreditBytes,
  cursorEveryMs: LIMITS.cursorEveryMs,
  cursorEveryMessages: LIMITS.cursorEveryMessages,
  idleTimeoutMs: LIMITS.idleTimeoutMs,
};
