/**
 * One partition's share of a produce request: what the leader machine waits with, and, once settled, the very object
 * that the response is encoded from. Made by the Produce handler, settled by the partition, exactly once.
 */
import { ERROR } from '@meridian/protocol';
import type { Acknowledgement } from './acknowledgements.ts';
import { NO_RECORD_ERRORS, type RecordError } from './validation/produce-refusal.ts';

/** What settles when its last part has. */
export interface ProduceOwner {
  partSettled(): void;
}

export interface CurrentLeader {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

export class ProducePart implements Acknowledgement {
  readonly index: number;
  errorCode: number = ERROR.NONE;
  errorMessage: string | null = null;
  baseOffset = -1;
  logAppendTimeMs = -1;
  logStartOffset = -1;
  /** Only for appends of the mirror. */
  logEnd = -1;
  /** Told to peers only: the epoch in which the batch was appended, and whether that was earlier. */
  storedEpoch = -1;
  duplicate = false;
  recordErrors: readonly RecordError[] = NO_RECORD_ERRORS;
  currentLeader: CurrentLeader | undefined = undefined;
  readonly acks: number;
  readonly deadlineMs: number;
  /** The log end that has to be committed before the producer is told. */
  end = 0;
  readonly #owner: ProduceOwner;

  constructor(index: number, acks: number, deadlineMs: number, owner: ProduceOwner) {
    this.index = index;
    this.acks = acks;
    this.deadlineMs = deadlineMs;
    this.#owner = owner;
  }

  settle(errorCode: number, errorMessage: string | null = null): void {
    this.errorCode = errorCode;
    if (errorCode !== ERROR.NONE) {
      this.errorMessage = errorMessage;
      this.baseOffset = -1;
      this.logAppendTimeMs = -1;
    }
    this.#owner.partSettled();
  }
}
