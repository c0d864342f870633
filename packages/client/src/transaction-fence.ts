/**
 * Makes the caller a partition's only writer: whoever wrote under the same transactional id before can append nothing
 * more once `fence` has returned. For the mirror's tasks whose target is Apache Kafka (KIP-98, KIP-890, KIP-664).
 * Invariant: when it returns, the abort marker with the new epoch is replicated, so that a log end read then is final.
 */
import type { CallOptions } from './types.ts';

export interface FencedProducer {
  readonly producerId: number;
  /** Of the marker, and of the batches that may follow it; their sequence begins at 0. */
  readonly producerEpoch: number;
}

export interface TransactionFence {
  /**
   * Takes seconds where the predecessor's transaction has to be ended first. Rejects: `refused` (Kafka's code in the
   * message: no permission, no transactions at this broker), `timeout`.
   */
  fence(
    transactionalId: string,
    partition: { readonly topic: string; readonly partition: number },
    options?: CallOptions,
  ): Promise<FencedProducer>;
}
