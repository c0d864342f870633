/**
 * What a partition of the simulated Apache Kafka remembers of producers: epoch, the last five batches, an open
 * transaction. Kept by `SimPartition`. Invariant: the verdicts are those of Apache Kafka's ProducerStateManager.
 *
 *   epoch below the known one             INVALID_PRODUCER_EPOCH
 *   a new epoch of a known producer       must begin at sequence 0
 *   a batch of the last five              a duplicate: answered with where it lies
 *   any other sequence but the next       OUT_OF_ORDER_SEQUENCE_NUMBER
 *   a producer that is not known          may begin anywhere
 *   plain data amid a transaction         INVALID_TXN_STATE
 */
import { ERROR } from '@meridian/protocol';
import type { BatchHeader } from '@meridian/protocol/record-batch';

interface AppendedBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
}

export interface ProducerState {
  epoch: number;
  coordinatorEpoch: number;
  lastTimestamp: number;
  /** −1: none is open here. */
  txnStart: number;
  batches: AppendedBatch[];
}

export type Verdict =
  | { readonly kind: 'append' }
  | { readonly kind: 'duplicate'; readonly baseOffset: number }
  | { readonly kind: 'refuse'; readonly errorCode: number };

const REMEMBERED = 5;
const MAX_SEQUENCE = 2 ** 31 - 1;

const refuse = (errorCode: number): Verdict => ({ kind: 'refuse', errorCode });
const lastSequenceOf = ({ baseSequence, recordCount }: BatchHeader): number =>
  (baseSequence + recordCount - 1) % (MAX_SEQUENCE + 1);

export class ProducerStates {
  private readonly states = new Map<number, ProducerState>();

  check(header: BatchHeader): Verdict {
    const { producerId, producerEpoch, baseSequence } = header;
    const state = this.states.get(producerId);
    if (producerId < 0 || state === undefined) return { kind: 'append' };
    if (producerEpoch < state.epoch) return refuse(ERROR.INVALID_PRODUCER_EPOCH);
    const isNew = producerEpoch > state.epoch;
    const again = isNew
      ? undefined
      : state.batches.find((batch) => {
          return batch.firstSequence === baseSequence && batch.lastSequence === lastSequenceOf(header);
        });
    if (again !== undefined) return { kind: 'duplicate', baseOffset: again.baseOffset };
    const last = isNew ? -1 : (state.batches.at(-1)?.lastSequence ?? -1);
    const isNext = baseSequence === last + 1 || (baseSequence === 0 && last === MAX_SEQUENCE);
    if (!isNext) return refuse(ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER);
    if (state.txnStart >= 0 && !header.isTransactional) return refuse(ERROR.INVALID_TXN_STATE);
    return { kind: 'append' };
  }

  /** The batch lies in the log now. */
  appended(header: BatchHeader): void {
    if (header.producerId < 0) return;
    const state = this.stateOf(header.producerId, header.producerEpoch);
    const { baseOffset, lastOffset, baseSequence: firstSequence } = header;
    state.batches.push({ firstSequence, lastSequence: lastSequenceOf(header), baseOffset, lastOffset });
    if (state.batches.length > REMEMBERED) state.batches.shift();
    state.lastTimestamp = header.maxTimestamp;
    if (header.isTransactional && state.txnStart < 0) state.txnStart = baseOffset;
  }

  /** The end of a transaction: returns where its data began here, −1 without any. A marker of a new epoch forgets the batches. */
  ended(producerId: number, epoch: number, coordinatorEpoch: number, timestamp: number): number {
    const state = this.stateOf(producerId, epoch);
    const { txnStart } = state;
    state.txnStart = -1;
    state.coordinatorEpoch = coordinatorEpoch;
    state.lastTimestamp = timestamp;
    return txnStart;
  }

  epochOf(producerId: number): number {
    return this.states.get(producerId)?.epoch ?? -1;
  }

  /** Data of a transaction that has not ended lies here. */
  isOpen(producerId: number): boolean {
    return (this.states.get(producerId)?.txnStart ?? -1) >= 0;
  }

  /** Where the first transaction that is open begins; undefined: none is. */
  firstOpen(): number | undefined {
    const open = [...this.states.values()].map(({ txnStart }) => txnStart).filter((start) => start >= 0);
    return open.length === 0 ? undefined : Math.min(...open);
  }

  entries(): [number, ProducerState][] {
    return [...this.states];
  }

  /** Kafka forgets idle producers after a day; so does a test. */
  forget(): void {
    for (const [producerId, { txnStart }] of this.states) if (txnStart < 0) this.states.delete(producerId);
  }

  clear(): void {
    this.states.clear();
  }

  private stateOf(producerId: number, epoch: number): ProducerState {
    let state = this.states.get(producerId);
    if (state === undefined) {
      state = { epoch, coordinatorEpoch: -1, lastTimestamp: -1, txnStart: -1, batches: [] };
      this.states.set(producerId, state);
    }
    if (epoch !== state.epoch) {
      state.epoch = epoch;
      state.batches = [];
    }
    return state;
  }
}
