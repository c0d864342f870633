/**
 * The transaction coordinator of the simulated Apache Kafka, to the versions before KIP-890's second part. Called by the
 * transaction APIs. Invariant: EndTxn answers before its markers are written, as the real one does; each marker comes
 * after a while of its own, and none is written twice.
 *
 *   Empty, CompleteX    InitProducerId → Empty, epoch + 1      AddPartitions → Ongoing
 *   Ongoing             InitProducerId → PrepareAbort, epoch + 1, CONCURRENT_TRANSACTIONS     EndTxn → PrepareX
 *   PrepareX            the last marker is written → CompleteX; asked meanwhile: CONCURRENT_TRANSACTIONS
 *
 * After a restart amid PrepareX the real one was seen to complete without a marker (its metadata came later than the
 * coordinator); so does this one, now and then, by the seed, where no data of the transaction lies: its fate would change.
 */
import type { Io } from '@meridian/io';
import { ERROR } from '@meridian/protocol';
import type { SimKafkaDisk } from './sim-kafka-disk.ts';

type TransactionState = 'Empty' | 'Ongoing' | 'PrepareCommit' | 'PrepareAbort' | 'CompleteCommit' | 'CompleteAbort';

export interface SimTransaction {
  producerId: number;
  producerEpoch: number;
  state: TransactionState;
  timeoutMs: number;
  startedMs: number;
  /** `topic/partition`, by topic id: a topic that is made anew is none of it. */
  partitions: Map<string, { readonly topic: string; readonly topicId: string; readonly partition: number }>;
}

export interface Producer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export interface TopicPartitions {
  readonly name: string;
  readonly partitions: readonly number[];
}

const MAX_EPOCH = 32_767;
/** The epoch after this one is another producer's. */
const LAST_EPOCH = MAX_EPOCH - 1;
const MARKER_DELAY_MS = 20;
const LOST_MARKER_CHANCE = 0.2;

export class TxnCoordinator {
  private readonly io: Pick<Io, 'clock' | 'timers' | 'random'>;
  private readonly disk: SimKafkaDisk;
  private readonly wake: () => void;

  constructor(io: Pick<Io, 'clock' | 'timers' | 'random'>, disk: SimKafkaDisk, wake: () => void) {
    this.io = io;
    this.disk = disk;
    this.wake = wake;
  }

  /** A new process goes on with what was prepared. */
  resume(): void {
    for (const transaction of this.disk.transactions.values()) {
      if (transaction.state === 'Ongoing') this.watch(transaction);
      if (!transaction.state.startsWith('Prepare')) continue;
      for (const [key, { topicId, partition }] of [...transaction.partitions]) {
        const log = this.disk.topicById(topicId)?.partitions[partition];
        const isLost = this.io.random.next() < LOST_MARKER_CHANCE;
        if (isLost && !log?.producers.isOpen(transaction.producerId)) transaction.partitions.delete(key);
      }
      this.complete(transaction);
    }
  }

  initProducerId(id: string | null, timeoutMs: number, from: Producer): Producer & { errorCode: number } {
    if (id === null) return { errorCode: ERROR.NONE, producerId: this.disk.nextProducerId++, producerEpoch: 0 };
    const known = this.disk.transactions.get(id);
    if (known === undefined) {
      const made = this.begin(timeoutMs);
      this.disk.transactions.set(id, made);
      return { errorCode: ERROR.NONE, ...producerOf(made) };
    }
    if (from.producerEpoch >= 0 && !isSame(known, from)) return refusal(ERROR.PRODUCER_FENCED);
    if (known.state.startsWith('Prepare')) return refusal(ERROR.CONCURRENT_TRANSACTIONS);
    if (known.state === 'Ongoing') {
      known.producerEpoch = Math.min(known.producerEpoch + 1, MAX_EPOCH);
      this.prepare(known, 'PrepareAbort');
      return refusal(ERROR.CONCURRENT_TRANSACTIONS);
    }
    if (known.producerEpoch >= LAST_EPOCH) Object.assign(known, this.begin(timeoutMs));
    else Object.assign(known, { producerEpoch: known.producerEpoch + 1, state: 'Empty', timeoutMs });
    return { errorCode: ERROR.NONE, ...producerOf(known) };
  }

  addPartitions(id: string, from: Producer, topics: readonly TopicPartitions[]): number {
    const [transaction, errorCode] = this.find(id, from);
    if (transaction === undefined) return errorCode;
    if (transaction.state.startsWith('Prepare')) return ERROR.CONCURRENT_TRANSACTIONS;
    if (transaction.state !== 'Ongoing') {
      transaction.state = 'Ongoing';
      transaction.startedMs = this.io.clock.now();
      this.watch(transaction);
    }
    for (const { name, partitions } of topics)
      for (const partition of partitions) {
        const topicId = this.disk.topics.get(name)!.id;
        transaction.partitions.set(`${topicId}/${partition}`, { topic: name, topicId, partition });
      }
    return ERROR.NONE;
  }

  end(id: string, from: Producer, committed: boolean): number {
    const [transaction, errorCode] = this.find(id, from);
    if (transaction === undefined) return errorCode;
    const wanted = committed ? 'Commit' : 'Abort';
    if (transaction.state === 'Ongoing') {
      this.prepare(transaction, `Prepare${wanted}`);
      return ERROR.NONE;
    }
    if (transaction.state === `Prepare${wanted}`) return ERROR.CONCURRENT_TRANSACTIONS;
    return transaction.state === `Complete${wanted}` ? ERROR.NONE : ERROR.INVALID_TXN_STATE;
  }

  /** Whether a producer's transaction has the partition: then its data may lie there. */
  holds({ producerId, producerEpoch }: Producer, topicId: string, partition: number): boolean {
    const found = [...this.disk.transactions.values()].find((each) => each.producerId === producerId);
    const isOngoing = found?.state === 'Ongoing' && found.producerEpoch === producerEpoch;
    return isOngoing && found.partitions.has(`${topicId}/${partition}`);
  }

  private begin(timeoutMs: number): SimTransaction {
    const producerId = this.disk.nextProducerId++;
    return { producerId, producerEpoch: 0, state: 'Empty', timeoutMs, startedMs: -1, partitions: new Map() };
  }

  private find(id: string, from: Producer): [SimTransaction | undefined, number] {
    const found = this.disk.transactions.get(id);
    if (found?.producerId !== from.producerId) return [undefined, ERROR.INVALID_PRODUCER_ID_MAPPING];
    if (found.producerEpoch !== from.producerEpoch) return [undefined, ERROR.PRODUCER_FENCED];
    return [found, ERROR.NONE];
  }

  private prepare(transaction: SimTransaction, state: 'PrepareCommit' | 'PrepareAbort'): void {
    transaction.state = state;
    this.complete(transaction);
  }

  private complete(transaction: SimTransaction): void {
    const isCommit = transaction.state === 'PrepareCommit';
    for (const [key, { topicId, partition }] of [...transaction.partitions]) {
      this.io.timers.after(this.io.random.next() * MARKER_DELAY_MS, () => {
        const log = this.disk.topicById(topicId)?.partitions[partition];
        const { producerId, producerEpoch } = transaction;
        log?.appendMarker(producerId, producerEpoch, isCommit, this.io.clock.now());
        transaction.partitions.delete(key);
        this.wake();
        if (transaction.partitions.size === 0) transaction.state = isCommit ? 'CompleteCommit' : 'CompleteAbort';
      });
    }
    if (transaction.partitions.size > 0) return;
    this.io.timers.after(0, () => {
      transaction.state = isCommit ? 'CompleteCommit' : 'CompleteAbort';
    });
  }

  /** One that takes too long is aborted, in a new epoch. */
  private watch(transaction: SimTransaction): void {
    const { startedMs, timeoutMs } = transaction;
    this.io.timers.after(Math.max(0, startedMs + timeoutMs - this.io.clock.now()), () => {
      if (transaction.state !== 'Ongoing' || transaction.startedMs !== startedMs) return;
      transaction.producerEpoch++;
      this.prepare(transaction, 'PrepareAbort');
    });
  }
}

const producerOf = ({ producerId, producerEpoch }: Producer): Producer => ({ producerId, producerEpoch });
const isSame = (a: Producer, b: Producer): boolean =>
  a.producerId === b.producerId && a.producerEpoch === b.producerEpoch;
const refusal = (errorCode: number) => ({ errorCode, producerId: -1, producerEpoch: -1 });
