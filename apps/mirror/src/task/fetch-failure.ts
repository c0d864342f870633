/** What an error of the fetcher means to a partition. Called by the shells of either engine. */
import { ERROR } from '@meridian/protocol';

export function fetchFailure(code: number | 'diverged' | 'corrupt') {
  if (code === 'diverged') return 'diverged';
  if (code === ERROR.UNKNOWN_TOPIC_ID) return 'recreated';
  return code === ERROR.OFFSET_OUT_OF_RANGE ? 'out-of-range' : 'other';
}
