/**
 * What the listener has to hear of who leads, found by comparing what it was told with what is so. Used by the quorum's
 * shell after every step.
 * Invariant: `leads` and `ledNoMore` alternate, and each epoch that this node leads is told once.
 */
import type { Quorum } from '@meridian/quorum';
import type { QuorumListener } from './quorum-node.ts';

/** As others may be told: who has led before it came up, or has given up, leads no more. */
export function leaderOf({ leaderId, epoch, self, role }: Quorum): { readonly id: number; readonly epoch: number } {
  const isPast = leaderId === self.id && role.kind !== 'leader';
  return { id: isPast ? -1 : leaderId, epoch };
}

export class LeaderNews {
  #leaderId = -1;
  #epoch = -1;
  /** −1: this node does not lead. */
  #ledEpoch = -1;

  /** In their order. */
  since(quorum: Quorum, listener: QuorumListener): (() => void)[] {
    const { role } = quorum;
    const { id, epoch } = leaderOf(quorum);
    const ledEpoch = role.kind === 'leader' ? epoch : -1;
    const news: (() => void)[] = [];
    if (this.#ledEpoch >= 0 && this.#ledEpoch !== ledEpoch) news.push(() => listener.ledNoMore());
    if (this.#leaderId !== id || this.#epoch !== epoch) news.push(() => listener.leaderChanged(id, epoch));
    if (role.kind === 'leader' && this.#ledEpoch !== epoch) {
      const { epochStart } = role;
      news.push(() => listener.leads(epoch, epochStart));
    }
    this.#leaderId = id;
    this.#epoch = epoch;
    this.#ledEpoch = ledEpoch;
    return news;
  }
}
