/** One answer of ListOffsets, or the reason why there is none. Asked by the tasks of either engine, per side. */
import { ERROR, errorName } from '@meridian/protocol';

export function offsetOf(listed: readonly { errorCode: number; offset: number }[], side: string): number {
  const answer = listed[0];
  if (answer !== undefined && answer.errorCode === ERROR.NONE) return Math.max(0, answer.offset);
  throw new Error(`offsets of ${side}: ${errorName(answer?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR)}`);
}
