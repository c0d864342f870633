/**
 * What a topic's policy means for a lost range. Pure; called by the machines of either engine.
 * Invariant: nothing goes on beyond a gap where the offsets behind it could mean something else than before.
 */
import type { GapPolicy, LostRange } from './gap-record.ts';

/**
 * `mark-gap` presumes that the origin's offsets go on behind the gap. Those of a recreated topic begin anew, and a log
 * that lost its end gives them out twice: there, it means a new incarnation.
 */
export function treatmentOf({ kind }: Pick<LostRange, 'kind'>, policy: GapPolicy): GapPolicy {
  return policy === 'mark-gap' && kind !== 'retention' ? 'new-incarnation' : policy;
}
