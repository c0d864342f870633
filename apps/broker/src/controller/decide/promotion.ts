/**
 * Whether a copy may take over from its origin: the checks of `meridian.origin.promoted` and `.incarnation`. Called by
 * the decision that alters configs.
 *
 *   a copy    promoted=sealed                            → sealed: neither clients nor the mirror write
 *   sealed    promoted=<cuts>, incarnation one higher    → a topic of its own, for good
 *   sealed    promoted cleared                           → a copy again
 *
 * Invariant: between the last append of the mirror and the first of a client, the copy was sealed; and each take-over
 * has an incarnation of its own, so of two that try, one is refused.
 */
import { ERROR } from '@meridian/protocol';
import { TOPIC_CONFIG } from '../configs/topic-configs.ts';
import { Refusal } from './decision.ts';

const SEALED = 'sealed';
const CUTS = /^\d{1,16}(,\d{1,16})*$/;

type Values = ReadonlyMap<string, string | null>;

/** Whether the topic is its origin's, and not (yet) its own. */
export function isCopy(configs: ReadonlyMap<string, string>): boolean {
  const promoted = configs.get(TOPIC_CONFIG.originPromoted) ?? SEALED;
  return configs.has(TOPIC_CONFIG.originRegion) && promoted === SEALED;
}

/** `now`: what is set on the topic; `next`: what shall be. */
export function checkPromotion(now: ReadonlyMap<string, string>, next: Values, partitions: number): void {
  const wanted = next.get(TOPIC_CONFIG.originPromoted);
  const present = now.get(TOPIC_CONFIG.originPromoted) ?? null;
  const promotes = wanted !== undefined && wanted !== null && wanted !== SEALED && wanted !== present;
  if (changesIncarnation(now, next) && !promotes) refuse('The incarnation of a copy changes with its promotion only.');
  if (wanted === undefined || wanted === present) return;
  if (!now.has(TOPIC_CONFIG.originRegion)) refuse('The topic is no copy of a mirror.');
  if (present !== null && present !== SEALED) refuse('The copy has been promoted already.');
  if (!promotes) return;
  if (present !== SEALED) refuse('The copy has to be sealed before it is promoted.');
  if (!CUTS.test(wanted!) || wanted!.split(',').length !== partitions) {
    refuse(`A promotion names the end of each of the ${partitions} partitions.`);
  }
  const incarnation = Number(now.get(TOPIC_CONFIG.originIncarnation) ?? 0);
  if (Number(next.get(TOPIC_CONFIG.originIncarnation) ?? incarnation) !== incarnation + 1) {
    refuse(`The copy is of incarnation ${incarnation}: its promotion is number ${incarnation + 1}.`);
  }
}

function changesIncarnation(now: ReadonlyMap<string, string>, next: Values): boolean {
  const wanted = next.get(TOPIC_CONFIG.originIncarnation);
  return wanted !== undefined && wanted !== (now.get(TOPIC_CONFIG.originIncarnation) ?? null);
}

function refuse(why: string): never {
  throw new Refusal(ERROR.INVALID_REQUEST, why);
}
