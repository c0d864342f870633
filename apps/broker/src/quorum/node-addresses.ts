/**
 * Where the quorum's nodes are found: where the leader says itself, where its voters' record says, where the config says. All
 * three may be out of date, so an address at which nobody answers is left for the next. Used by the quorum's shell.
 */
import type { Quorum, Voter } from '@meridian/quorum';
import type { QuorumAddress } from './quorum-node.ts';
import type { NodeEndpoint } from './raft-view.ts';

export class NodeAddresses {
  readonly #listenerName: string;
  readonly #configured: ReadonlyMap<number, QuorumAddress>;
  /** The leader of an epoch, as somebody told it. */
  #told: (NodeEndpoint & { readonly epoch: number }) | undefined;
  /** How often a node's address did not work: the next one is tried. */
  readonly #misses = new Map<number, number>();

  constructor(listenerName: string, configured: readonly (QuorumAddress & { readonly id: number })[]) {
    this.#listenerName = listenerName;
    this.#configured = new Map(configured.map(({ id, host, port }) => [id, { host, port }]));
  }

  of(nodeId: number, { epoch, voters }: Pick<Quorum, 'epoch' | 'voters'>): QuorumAddress | undefined {
    const known: QuorumAddress[] = [];
    if (this.#told?.nodeId === nodeId && this.#told.epoch === epoch) known.push(this.#told);
    const voter = voters.current.find(({ id }) => id === nodeId);
    const recorded = voter && this.endpointOf(voter);
    if (recorded !== undefined) known.push(recorded);
    const configured = this.#configured.get(nodeId);
    if (configured !== undefined) known.push(configured);
    return known[(this.#misses.get(nodeId) ?? 0) % known.length];
  }

  endpointOf({ endpoints }: Pick<Voter, 'endpoints'>): QuorumAddress | undefined {
    return endpoints.find(({ name }) => name === this.#listenerName);
  }

  leaderTold(leader: NodeEndpoint | undefined, epoch: number): void {
    if (leader !== undefined && epoch >= (this.#told?.epoch ?? 0)) this.#told = { ...leader, epoch };
  }

  missed(nodeId: number): void {
    this.#misses.set(nodeId, (this.#misses.get(nodeId) ?? 0) + 1);
  }
}
