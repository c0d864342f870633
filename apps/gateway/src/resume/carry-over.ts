/**
 * Positions in a topic that its region lost: a copy of it that was promoted goes on from them. Asked by
 * `open-subscription.ts` for feeds that a client has no position in.
 * Invariant: a position is taken once, and only by the topic that was a copy of the one that it is in.
 */
import type { CursorPosition } from '@meridian/tenancy';
import type { BrokerPort } from '../broker/broker-port.ts';
import type { PartitionFeed } from '../delivery/partition-feed.ts';
import type { Wanted } from './resume.ts';

/** Finds a position in the topic of that id. */
export type FindPosition = (region: string, partition: number, topicId: string) => CursorPosition | undefined;

export async function carriedOver(
  broker: Pick<BrokerPort, 'carryOver'>,
  { facts, origin }: Pick<PartitionFeed, 'facts' | 'origin'>,
  find: FindPosition,
): Promise<Wanted | undefined> {
  if (facts.promoted === undefined) return undefined;
  const { region, topicId } = facts.promoted;
  const position = find(region, origin.partition, topicId);
  if (position === undefined) return undefined;
  const { offset, lost } = await broker.carryOver(facts, origin.partition, position.offset);
  return { topicId: origin.topicId, offset, epoch: -1, ...(lost > 0 && { lost }) };
}
