/**
 * `Client.produce`: finds leaders, queues per partition, sends per leader, and sends again what was refused for the
 * time being. Invariant: every call ends by its deadline, and what is queued is bounded (`maxPendingProduces`).
 */
import type { Io, Timer } from '@meridian/io';
import { isRetriable, type Produce, type ResponseOf } from '@meridian/protocol';
import { batchProducerId } from '@meridian/protocol/record-batch';
import { backoffMs } from '../backoff.ts';
import type { NodePool } from '../connection/node-pool.ts';
import { ClientError } from '../errors.ts';
import type { ClientLimits } from '../limits.ts';
import type { MetadataCache } from '../metadata-cache.ts';
import type { ProducedResult, ProduceOptions } from '../types.ts';
import { NodeSender, type SenderContext } from './node-sender.ts';
import { PartitionQueue } from './partition-queue.ts';
import { isFailed, judgeAnswer, judgeFailure, type PendingProduce, settle } from './pending-produce.ts';

type PartitionAnswer = ResponseOf<typeof Produce>['responses'][number]['partitionResponses'][number];

export interface ProducerContext {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random'>;
  readonly limits: ClientLimits;
  readonly pool: NodePool;
  readonly metadata: MetadataCache;
}

export class Producer {
  private readonly context: ProducerContext;
  private readonly queues = new Map<string, PartitionQueue>();
  private readonly senders = new Map<number, NodeSender>();
  private readonly closing = new AbortController();
  private pending = 0;
  private nextSequence = 0;
  private sweep: Timer | undefined;

  constructor(context: ProducerContext) {
    this.context = context;
  }

  produce(
    topic: string,
    partition: number,
    batches: readonly Buffer[],
    options: ProduceOptions,
  ): Promise<ProducedResult> {
    return new Promise((resolve, reject) => {
      if (this.closing.signal.aborted) return reject(new ClientError('closed', 'produce'));
      if (this.pending >= this.context.limits.maxPendingProduces) {
        return reject(new ClientError('too-many-pending', `${topic}-${partition}`));
      }
      this.pending++;
      const produce = this.newProduce(batches, options, resolve, reject);
      const queue = this.queueOf(topic, partition);
      queue.push(produce);
      if (options.signal !== undefined) this.cancelOn(options.signal, queue, produce);
      this.schedule(queue);
      this.sweepLater();
    });
  }

  close(): void {
    this.closing.abort();
    this.sweep?.cancel();
    for (const queue of this.queues.values()) this.endWaiting(queue, () => true, new ClientError('closed', 'produce'));
  }

  private newProduce(
    batches: readonly Buffer[],
    options: ProduceOptions,
    resolve: (result: ProducedResult) => void,
    reject: (error: ClientError) => void,
  ): PendingProduce {
    const { io, limits } = this.context;
    let sizeInBytes = 0;
    for (const batch of batches) sizeInBytes += batch.length;
    const first = batches[0];
    return {
      sequence: this.nextSequence++,
      batches,
      sizeInBytes,
      acks: options.acks ?? -1,
      topicId: options.topicId,
      mirror: options.mirror,
      isIdempotent: first !== undefined && first.length >= PRODUCER_ID_END && batchProducerId(first) >= 0,
      isSequenced: options.sequenced === true,
      retryUnknown: options.retryUnknown === true,
      dueAt: io.clock.monotonic() + (options.timeoutMs ?? limits.callTimeoutMs),
      lastFailure: undefined,
      isBroken: false,
      settled: false,
      resolve: (result) => {
        this.pending--;
        resolve(result);
      },
      reject: (error) => {
        this.pending--;
        reject(error);
      },
    };
  }

  private queueOf(topic: string, partition: number): PartitionQueue {
    const key = `${topic}/${partition}`;
    let queue = this.queues.get(key);
    if (queue === undefined) {
      queue = new PartitionQueue(topic, partition, this.context.limits.maxInFlightPerPartition);
      this.queues.set(key, queue);
    }
    return queue;
  }

  /** Hands the queue to its leader's sender, at once if the leader is known. */
  private schedule(queue: PartitionQueue): void {
    if (queue.isResting) return;
    const { metadata } = this.context;
    const leader = metadata.peek(queue.topic)?.partitions[queue.partition]?.leader ?? -1;
    if (leader >= 0 && metadata.knows(leader)) this.senderOf(leader).add(queue);
    else void this.findLeader(queue, 0);
  }

  private senderOf(nodeId: number): NodeSender {
    let sender = this.senders.get(nodeId);
    if (sender === undefined) {
      const context: SenderContext = {
        limits: this.context.limits,
        pool: this.context.pool,
        metadata: this.context.metadata,
        onAnswer: (queue, produce, answer, knowsLeader) => this.onAnswer(queue, produce, answer, knowsLeader),
        onFailure: (queue, produce, error, wasSent) => this.onFailure(queue, produce, error, wasSent),
      };
      sender = new NodeSender(context, nodeId);
      this.senders.set(nodeId, sender);
    }
    return sender;
  }

  /** Rests for `delayMs`, then looks for the leader until one is found or nobody waits any more. */
  private async findLeader(queue: PartitionQueue, delayMs: number): Promise<void> {
    const { io, limits, metadata } = this.context;
    queue.isResting = true;
    if (delayMs > 0) await io.timers.sleep(delayMs, this.closing.signal);
    for (let attempt = 1; !queue.isIdle && !this.closing.signal.aborted; attempt++) {
      this.expire(queue);
      try {
        await metadata.leaderOf(queue.topic, queue.partition, {
          timeoutMs: limits.leaderWaitMs,
          signal: this.closing.signal,
        });
        break;
      } catch (error) {
        this.onNoLeader(queue, error as ClientError);
        await io.timers.sleep(backoffMs(io.random, limits, attempt), this.closing.signal);
      }
    }
    queue.isResting = false;
    if (queue.isIdle) this.forget(queue);
    else if (!this.closing.signal.aborted) this.schedule(queue);
  }

  /** Mirror appends do not wait for a leader, nor does anybody for a topic that does not exist. */
  private onNoLeader(queue: PartitionQueue, error: ClientError): void {
    const isFinal = !WORTH_WAITING.has(error.code);
    this.endWaiting(queue, (produce) => isFinal || produce.mirror !== undefined, error);
  }

  private onAnswer(
    queue: PartitionQueue,
    produce: PendingProduce,
    answer: PartitionAnswer,
    knowsLeader: boolean,
  ): void {
    if (isRetriable(answer.errorCode) && !knowsLeader) this.context.metadata.invalidate(queue.topic);
    const verdict = judgeAnswer(produce, answer, queue.hasEarlier(produce));
    if (verdict === 'again') {
      this.again(queue, produce, answer.errorMessage);
      return;
    }
    const outcome =
      verdict === 'unknown'
        ? new ClientError('outcome-unknown', `${queue.topic}-${queue.partition}`)
        : resultOf(answer);
    this.end(queue, produce, outcome, verdict === 'answer');
  }

  private onFailure(queue: PartitionQueue, produce: PendingProduce, error: ClientError, wasSent: boolean): void {
    this.context.metadata.invalidate(queue.topic);
    const verdict = judgeFailure(produce, error, wasSent);
    if (verdict === 'again') {
      this.again(queue, produce, error);
      return;
    }
    const where = `${queue.topic}-${queue.partition}`;
    const outcome = verdict === 'unknown' ? new ClientError('outcome-unknown', where, { cause: error }) : error;
    this.end(queue, produce, outcome, false);
  }

  private again(queue: PartitionQueue, produce: PendingProduce, cause: unknown): void {
    if (produce.isBroken) return this.end(queue, produce, predecessorFailed(queue), false);
    produce.lastFailure = cause;
    queue.giveBack(produce);
    this.proceed(queue);
  }

  /** After something came back: the next ones, at once or, while recovering, after a back-off. */
  private proceed(queue: PartitionQueue): void {
    if (queue.isIdle) this.forget(queue);
    else if (queue.isRecovering && queue.peek() !== undefined) {
      void this.findLeader(queue, backoffMs(this.context.io.random, this.context.limits, 2));
    } else this.schedule(queue);
  }

  private end(
    queue: PartitionQueue,
    produce: PendingProduce,
    outcome: ProducedResult | ClientError,
    ok: boolean,
  ): void {
    queue.finish(produce, ok);
    this.settle(queue, produce, outcome);
    this.proceed(queue);
  }

  /** Of a chain, what is behind one that failed fails with it. */
  private settle(queue: PartitionQueue, produce: PendingProduce, outcome: ProducedResult | ClientError): void {
    settle(produce, outcome);
    if (!produce.isSequenced || !isFailed(outcome)) return;
    for (const behind of queue.breakBehind(produce)) settle(behind, predecessorFailed(queue));
  }

  /** One timer looks after all deadlines, since most calls end long before theirs. */
  private sweepLater(): void {
    this.sweep ??= this.context.io.timers.after(this.context.limits.produceSweepMs, () => {
      this.sweep = undefined;
      for (const queue of this.queues.values()) this.expire(queue);
      if (this.pending > 0 && !this.closing.signal.aborted) this.sweepLater();
    });
  }

  /** What is in flight keeps its place, so that the order holds; only its caller waits no longer. */
  private expire(queue: PartitionQueue): void {
    const now = this.context.io.clock.monotonic();
    const where = `${queue.topic}-${queue.partition}`;
    for (const produce of queue.takeWaiting((each) => each.dueAt <= now)) {
      this.settle(queue, produce, new ClientError('timeout', where, { cause: produce.lastFailure }));
    }
    for (const produce of queue.overdue(now)) {
      this.settle(queue, produce, new ClientError(produce.isIdempotent ? 'timeout' : 'outcome-unknown', where));
    }
  }

  private endWaiting(queue: PartitionQueue, test: (produce: PendingProduce) => boolean, error: ClientError): boolean {
    const ended = queue.takeWaiting(test);
    for (const produce of ended) this.settle(queue, produce, error);
    return ended.length > 0;
  }

  private cancelOn(signal: AbortSignal, queue: PartitionQueue, produce: PendingProduce): void {
    const cancel = (): void => {
      const error = new ClientError('cancelled', `${queue.topic}-${queue.partition}`);
      if (!this.endWaiting(queue, (each) => each === produce, error)) this.settle(queue, produce, error);
    };
    if (signal.aborted) cancel();
    else signal.addEventListener('abort', cancel, { once: true });
  }

  private forget(queue: PartitionQueue): void {
    if (!queue.isResting) this.queues.delete(`${queue.topic}/${queue.partition}`);
  }
}

const predecessorFailed = ({ topic, partition }: PartitionQueue): ClientError =>
  new ClientError('predecessor-failed', `${topic}-${partition}`);

/** A leader may be found yet; with any other failure nobody waits. */
const WORTH_WAITING: ReadonlySet<string> = new Set(['no-leader', 'timeout', 'unreachable', 'disconnected']);

/** Bytes of a batch header up to and including the producer id. */
const PRODUCER_ID_END = 51;

function resultOf(answer: PartitionAnswer): ProducedResult {
  const { errorCode, errorMessage, baseOffset, logAppendTimeMs, logStartOffset, logEnd, storedEpoch, duplicate } =
    answer;
  return { errorCode, errorMessage, baseOffset, logAppendTimeMs, logStartOffset, logEnd, storedEpoch, duplicate };
}
