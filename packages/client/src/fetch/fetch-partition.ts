/**
 * One partition of a fetcher: its position, whether it wants to be fetched, and what an answer means for it.
 * Owned by `PollingFetcher`, polled by the `NodePoll` of its leader.
 * Invariant: a callback gets only what follows the position; `seek` makes what is under way void (`generation`).
 */
import { ERROR, errorName, type Fetch, isRetriable, type ResponseOf, ZERO_UUID } from '@meridian/protocol';
import { type BatchRun, type Walk, walkBatches } from './batch-walk.ts';
import type { AbortedTransaction, FetchFailure, FetchHandle, FetchSubscription, OriginEpoch } from './fetch-types.ts';

export type PartitionAnswer = ResponseOf<typeof Fetch>['responses'][number]['partitions'][number] & {
  /** Of records that were compressed: what came. */
  readonly wireBytes?: number;
  /** Why what is still `packed` could not be read. */
  readonly problem?: string;
};

const EMPTY: Walk = { run: undefined, bad: undefined };
const NONE_ABORTED: readonly AbortedTransaction[] = [];

export interface AnswerTerms {
  /** The end is the last stable offset. */
  readonly readsCommitted: boolean;
  /** No other partition was asked for, and after the answer before was there. */
  readonly alone: boolean;
  /** So many answers with data of others may in a row have none for one, although there is some; 0: others have none either. */
  readonly patience: number;
  readonly underWayBytes: number;
}

/** What becomes of the partition after an answer. */
export type Aftermath = 'data' | 'empty' | 'rest' | 'lost';

export class FetchPartition implements FetchHandle {
  readonly subscription: FetchSubscription;
  readonly nameKey: string;
  /** Wherever it is polled from now on, it may be ready. */
  readonly wake: (partition: FetchPartition) => void;
  position: number;
  lastEpoch: number;
  topicId: string;
  leaderEpoch = -1;
  /** How many of the origin's epochs have been delivered; −1: not wanted. */
  originEpochs: number;
  generation = 0;
  /** Requests under way that it is part of. */
  flights = 0;
  /** Where an empty answer said that the log ends; asked for alone until this is explained. */
  suspectedHoleEnd = -1;
  failures = 0;
  retryAt = 0;
  /** The refusal told of a leader that was not known: no need to ask or to wait. */
  knowsLeader = false;
  isRemoved = false;
  /** Answers in a row that had nothing of what there is. */
  private starved = 0;
  private keyedId = '';
  private keyById = '';
  private isPaused = false;
  private isResting = false;
  private readonly forget: (partition: FetchPartition) => void;

  constructor(
    subscription: FetchSubscription,
    wake: (partition: FetchPartition) => void,
    forget: (partition: FetchPartition) => void,
  ) {
    this.subscription = subscription;
    this.nameKey = `${subscription.topic}/${subscription.partition}`;
    this.position = subscription.offset;
    this.lastEpoch = subscription.lastFetchedEpoch ?? -1;
    this.topicId = subscription.topicId ?? ZERO_UUID;
    this.originEpochs = subscription.originEpochsFrom ?? -1;
    this.wake = wake;
    this.forget = forget;
  }

  /** What an answer names it by, from version 13 on, and before. */
  get idKey(): string {
    if (this.keyedId !== this.topicId) {
      this.keyedId = this.topicId;
      this.keyById = `${this.topicId}/${this.partition}`;
    }
    return this.keyById;
  }

  get topic(): string {
    return this.subscription.topic;
  }

  get partition(): number {
    return this.subscription.partition;
  }

  get wantsFetch(): boolean {
    return this.flights === 0 && this.mayBeFetched;
  }

  /** Whether it may be part of another request before what is under way has come. */
  get mayReadOn(): boolean {
    return this.mayBeFetched && this.suspectedHoleEnd < 0 && this.leaderEpoch >= 0 && this.originEpochs < 0;
  }

  private get mayBeFetched(): boolean {
    return !this.isPaused && !this.isResting && !this.isRemoved;
  }

  seek(offset: number, lastFetchedEpoch = -1): void {
    this.generation++;
    this.position = offset;
    this.lastEpoch = lastFetchedEpoch;
    this.suspectedHoleEnd = -1;
    this.isResting = false;
    this.wake(this);
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.wake(this);
  }

  remove(): void {
    this.isRemoved = true;
    this.generation++;
    this.forget(this);
  }

  fail(failure: FetchFailure): void {
    this.generation++; // what is under way goes on from here as if nothing had happened
    this.isResting = true;
    this.subscription.onError(failure);
  }

  take(answer: PartitionAnswer, { readsCommitted, alone, patience, underWayBytes }: AnswerTerms): Aftermath {
    if (answer.errorCode !== ERROR.NONE) return this.takeError(answer);
    if (answer.packed !== null) return this.takeUnread(answer);
    this.failures = 0;
    const { epoch, endOffset } = answer.divergingEpoch;
    if (epoch >= 0 || endOffset >= 0) {
      const detail = `the leader's epoch ${epoch} ends at ${endOffset}, before our position ${this.position}`;
      this.fail({ ...this.failureFrom(answer, 'diverged', detail), divergence: { epoch, endOffset } });
      return 'rest';
    }
    const bytes = answer.records?.[0];
    const { run, bad }: Walk = bytes === undefined ? EMPTY : walkBatches(bytes, this.position, answer.highWatermark);
    const taken = run === undefined ? 0 : run.bytes.length;
    if (bytes !== undefined && bytes.length > taken) this.generation++; // a leader that reads on does so elsewhere
    const { generation } = this;
    if (run !== undefined) this.deliver(answer, run, underWayBytes);
    if (bad !== undefined && generation === this.generation) {
      const { problem, range } = bad;
      this.fail({ ...this.failureFrom(answer, 'corrupt', problem), ...(range ? { range } : {}) });
      return 'rest';
    }
    if (run !== undefined) return 'data';
    this.takeEmpty(answer, readsCommitted, alone, patience);
    return 'empty';
  }

  private deliver(answer: PartitionAnswer, run: BatchRun, underWayBytes: number): void {
    this.position = run.nextOffset;
    this.lastEpoch = run.lastEpoch;
    this.suspectedHoleEnd = -1;
    this.starved = 0;
    this.subscription.onBatches({
      buffers: [run.bytes],
      sizeInBytes: run.bytes.length,
      wireBytes: wireBytesOf(answer, run),
      baseOffset: run.baseOffset,
      nextOffset: run.nextOffset,
      lastEpoch: run.lastEpoch,
      highWatermark: answer.highWatermark,
      lastStableOffset: answer.lastStableOffset,
      logStartOffset: answer.logStartOffset,
      abortedTransactions: answer.abortedTransactions ?? NONE_ABORTED,
      originEpochs: this.newEpochs(answer),
      underWayBytes,
    });
  }

  /**
   * Without data although the log goes on: either other partitions used up the answer, and this one's turn will come, or
   * there is a hole. It is one if an answer that this partition had to itself, asked for after the end was known, is empty as well, and from
   * somebody who knows that end: a new leader learns only little by little what is committed.
   */
  private takeEmpty(answer: PartitionAnswer, readsCommitted: boolean, alone: boolean, patience: number): void {
    const isStable = readsCommitted && answer.lastStableOffset >= 0;
    const end = isStable ? answer.lastStableOffset : answer.highWatermark;
    const isHole = alone && this.suspectedHoleEnd > this.position && end >= this.suspectedHoleEnd;
    const holeEnd = this.suspectedHoleEnd;
    const isBehind = end > this.position && !isHole;
    this.starved = isBehind ? this.starved + 1 : 0;
    this.suspectedHoleEnd = isBehind && (alone || this.starved > patience) ? end : -1;
    const originEpochs = this.newEpochs(answer);
    if (isHole) {
      this.position = holeEnd;
      this.lastEpoch = -1; // of a hole the epochs are not known: nothing to compare until data comes again
    }
    if (originEpochs.length > 0) this.deliverEpochs(answer, originEpochs);
    this.subscription.onEnd?.(isHole ? holeEnd : answer.highWatermark, isHole, answer.logStartOffset);
  }

  private deliverEpochs(answer: PartitionAnswer, originEpochs: readonly OriginEpoch[]): void {
    this.subscription.onBatches({
      buffers: [],
      sizeInBytes: 0,
      wireBytes: 0,
      baseOffset: this.position,
      nextOffset: this.position,
      lastEpoch: this.lastEpoch,
      highWatermark: answer.highWatermark,
      lastStableOffset: answer.lastStableOffset,
      logStartOffset: answer.logStartOffset,
      abortedTransactions: NONE_ABORTED,
      originEpochs,
      underWayBytes: 0,
    });
  }

  private newEpochs(answer: PartitionAnswer): readonly OriginEpoch[] {
    if (this.originEpochs >= 0) this.originEpochs += answer.originEpochs.length;
    return answer.originEpochs;
  }

  /** Damaged on its way, or by somebody who should not: the next answer may be a better one. */
  private takeUnread({ problem = 'nobody asked for that' }: PartitionAnswer): Aftermath {
    this.generation++; // a leader that reads on does so behind them
    this.subscription.onRetry?.(`the records came compressed and cannot be read: ${problem}`);
    return 'lost';
  }

  private takeError(answer: PartitionAnswer): Aftermath {
    if (isRetriable(answer.errorCode)) {
      this.generation++;
      this.subscription.onRetry?.(errorName(answer.errorCode));
      return 'lost';
    }
    this.fail(this.failureFrom(answer, answer.errorCode, errorName(answer.errorCode)));
    return 'rest';
  }

  private failureFrom(answer: PartitionAnswer, code: FetchFailure['code'], detail: string): FetchFailure {
    return { code, detail, logStartOffset: answer.logStartOffset, highWatermark: answer.highWatermark };
  }
}

/** Of a part of what was compressed: its share. */
function wireBytesOf({ wireBytes, records }: PartitionAnswer, { bytes }: BatchRun): number {
  return wireBytes === undefined ? bytes.length : Math.ceil((bytes.length / records![0]!.length) * wireBytes);
}
