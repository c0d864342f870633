/**
 * Makes the caller the only writer of some partitions: whoever wrote under the same transactional id before can append
 * nothing more once `fence` has returned. For the mirror's tasks whose target is Apache Kafka (KIP-98, KIP-664).
 *
 *   InitProducerId ──▶ AddPartitionsToTxn ──▶ EndTxn (abort) ──▶ DescribeTransactions until CompleteAbort ──▶ DescribeProducers
 *     the epoch rises    the partitions get      answers before      the markers are replicated; only then     … and are
 *                        a marker                they are written    a log end is final                        really there
 *
 * Whatever goes wrong on the way, all of it begins anew with a higher epoch, which harms nobody but the predecessor.
 * Invariant: when it returns, an abort marker with the returned epoch lies, replicated, in every partition's log.
 */
import {
  AddPartitionsToTxn,
  type Api,
  DescribeProducers,
  DescribeTransactions,
  EndTxn,
  ERROR,
  errorName,
  InitProducerId,
  isRetriable,
  type ResponseOf,
} from '@meridian/protocol';
import { backoffMs } from './backoff.ts';
import { type Coordinators, isPassing, type Question, type SendContext, withinCall } from './coordinators.ts';
import { Deadline } from './deadline.ts';
import { ClientError } from './errors.ts';
import type { MetadataCache } from './metadata-cache.ts';
import type { CallOptions, TopicPartition } from './types.ts';

export interface FencedProducer {
  readonly producerId: number;
  /** Of the markers, and of the batches that may follow them; their sequence begins at 0. */
  readonly producerEpoch: number;
}

export interface TransactionFence {
  /**
   * Some at a time (`fencesInFlight`); the call's time begins with its turn. Takes seconds where a predecessor's
   * transaction has to be ended first. Rejects: `fenced` (somebody else did the
   * same after us), `refused` (Kafka's code in the message: no permission, no transactions at this broker), `timeout`.
   */
  fence(transactionalId: string, partitions: readonly TopicPartition[], options?: CallOptions): Promise<FencedProducer>;
}

export interface FenceContext extends SendContext {
  readonly coordinators: Coordinators;
  readonly metadata: MetadataCache;
}

/** Of the transaction, which we end at once. */
const TRANSACTION_TIMEOUT_MS = 60_000;
/** From 4 on it is for brokers. */
const ADD_PARTITIONS_VERSION = 3;
/** From 5 on an end raises the epoch, and the answer may get lost with it. */
const END_TXN_VERSION = 4;

/** Somebody has raised the epoch after us. */
const FENCED: ReadonlySet<number> = new Set<number>([ERROR.PRODUCER_FENCED, ERROR.INVALID_PRODUCER_EPOCH]);
/** The coordinator's view has changed under us. */
const ANEW: ReadonlySet<number> = new Set<number>([
  ERROR.CONCURRENT_TRANSACTIONS,
  ERROR.INVALID_TXN_STATE,
  ERROR.INVALID_PRODUCER_ID_MAPPING,
  ERROR.TRANSACTIONAL_ID_NOT_FOUND,
  ERROR.OPERATION_NOT_ATTEMPTED,
]);

/** Begin anew, for this reason. */
class Interrupted extends Error {}

export async function fence(
  context: FenceContext,
  transactionalId: string,
  partitions: readonly TopicPartition[],
  options: CallOptions,
): Promise<FencedProducer> {
  const { io, limits } = context;
  const deadline = new Deadline(io, options, limits.callTimeoutMs, `fence ${transactionalId}`);
  const attempt = new Attempt(context, transactionalId, partitions, deadline);
  for (let count = 1; ; count++) {
    try {
      return await attempt.run();
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      if (count >= limits.fenceAttempts) throw new ClientError('refused', `fence ${transactionalId}, ${error.message}`);
      if (!(await deadline.sleep(backoffMs(io.random, limits, count)))) throw deadline.error(error);
    }
  }
}

class Attempt {
  private readonly context: FenceContext;
  private readonly transactionalId: string;
  private readonly partitions: readonly TopicPartition[];
  private readonly deadline: Deadline;

  constructor(
    context: FenceContext,
    transactionalId: string,
    partitions: readonly TopicPartition[],
    deadline: Deadline,
  ) {
    this.context = context;
    this.transactionalId = transactionalId;
    this.partitions = partitions;
    this.deadline = deadline;
  }

  async run(): Promise<FencedProducer> {
    const producer = await this.raiseEpoch();
    await this.addPartitions(producer);
    await this.abort(producer);
    await this.untilComplete(producer);
    await this.seeMarkers(producer);
    return producer;
  }

  private async raiseEpoch(): Promise<FencedProducer> {
    const body = { transactionalId: this.transactionalId, transactionTimeoutMs: TRANSACTION_TIMEOUT_MS };
    const errorOf = (answer: ResponseOf<typeof InitProducerId>): number => answer.errorCode;
    for (let asked = 1; ; asked++) {
      const answer = await this.ask({ api: InitProducerId, body, isHarmless: true, errorOf });
      const { errorCode, producerId, producerEpoch } = answer;
      if (errorCode !== ERROR.CONCURRENT_TRANSACTIONS) {
        check(errorCode);
        return { producerId, producerEpoch };
      }
      // The predecessor's transaction is being ended, which takes as long as its partitions have no leader.
      if (!(await this.deadline.sleep(this.context.coordinators.backoffMs(asked)))) throw this.deadline.error();
    }
  }

  private async addPartitions({ producerId, producerEpoch }: FencedProducer): Promise<void> {
    const byTopic = Map.groupBy(this.partitions, ({ topic }) => topic);
    const body = {
      v3AndBelowTransactionalId: this.transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [...byTopic].map(([name, list]) => ({ name, partitions: list.map((each) => each.partition) })),
    };
    const errorsOf = (answer: ResponseOf<typeof AddPartitionsToTxn>): number[] =>
      answer.resultsByTopicV3AndBelow.flatMap(({ resultsByPartition }) =>
        resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode),
      );
    const worst = (answer: ResponseOf<typeof AddPartitionsToTxn>): number =>
      errorsOf(answer).find((code) => code !== ERROR.NONE && code !== ERROR.OPERATION_NOT_ATTEMPTED) ??
      errorsOf(answer).find((code) => code !== ERROR.NONE) ??
      ERROR.NONE;
    const maxVersion = ADD_PARTITIONS_VERSION;
    check(worst(await this.ask({ api: AddPartitionsToTxn, body, maxVersion, isHarmless: true, errorOf: worst })));
  }

  private async abort({ producerId, producerEpoch }: FencedProducer): Promise<void> {
    const body = { transactionalId: this.transactionalId, producerId, producerEpoch, committed: false };
    const errorOf = (answer: ResponseOf<typeof EndTxn>): number => answer.errorCode;
    const maxVersion = END_TXN_VERSION;
    check(errorOf(await this.ask({ api: EndTxn, body, maxVersion, isHarmless: true, errorOf })));
  }

  /** EndTxn answers once the decision is durable; the coordinator writes the markers after that. */
  private async untilComplete(producer: FencedProducer): Promise<void> {
    const { io, limits } = this.context;
    const body = { transactionalIds: [this.transactionalId] };
    const errorOf = ({ transactionStates }: ResponseOf<typeof DescribeTransactions>): number =>
      transactionStates[0]?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR;
    const endsAt = io.clock.monotonic() + limits.fenceMarkerMs;
    for (let waitMs = limits.fencePollMs; ; waitMs = Math.min(2 * waitMs, limits.fencePollCapMs)) {
      const answer = await this.ask({ api: DescribeTransactions, body, isHarmless: true, errorOf });
      check(errorOf(answer));
      const state = answer.transactionStates[0]!;
      const isOurs = state.producerId === producer.producerId && state.producerEpoch === producer.producerEpoch;
      if (!isOurs) throw new ClientError('fenced', `${this.transactionalId}, epoch ${state.producerEpoch}`);
      if (state.transactionState === 'CompleteAbort') return;
      if (io.clock.monotonic() >= endsAt) throw new Interrupted(`still ${state.transactionState}`);
      if (!(await this.deadline.sleep(waitMs))) throw this.deadline.error();
    }
  }

  /** A coordinator that has just come up may leave out partitions whose leader it does not know yet. */
  private async seeMarkers(producer: FencedProducer): Promise<void> {
    const { metadata } = this.context;
    const within = this.withinCall;
    const byLeader = new Map<number, TopicPartition[]>();
    for (const each of this.partitions) {
      const leader = await metadata.leaderOf(each.topic, each.partition, within);
      const group = byLeader.get(leader);
      if (group === undefined) byLeader.set(leader, [each]);
      else group.push(each);
    }
    for (const [leader, group] of byLeader) await this.seeMarkersAt(leader, group, producer);
  }

  private async seeMarkersAt(
    leader: number,
    group: readonly TopicPartition[],
    { producerId, producerEpoch }: FencedProducer,
  ): Promise<void> {
    const byTopic = Map.groupBy(group, ({ topic }) => topic);
    const topics = [...byTopic].map(([name, list]) => ({ name, partitionIndexes: list.map((each) => each.partition) }));
    const answer = await this.context.send(DescribeProducers, { topics }, leader, this.withinCall).catch(interrupt);
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex, errorCode, activeProducers } of partitions) {
        if (errorCode !== ERROR.NONE) this.context.metadata.invalidate(name);
        check(errorCode);
        const epoch = activeProducers.find((each) => each.producerId === producerId)?.producerEpoch ?? -1;
        const where = `${name}-${partitionIndex}`;
        if (epoch > producerEpoch) throw new ClientError('fenced', `${where}, epoch ${epoch}`);
        if (epoch < producerEpoch) throw new Interrupted(`no marker of epoch ${producerEpoch} in ${where}`);
      }
    }
  }

  private get withinCall() {
    return withinCall(this.deadline, this.context.limits);
  }

  private ask<A extends Api>(question: Question<A>): Promise<ResponseOf<A>> {
    const { coordinators } = this.context;
    return coordinators.request('transaction', this.transactionalId, question, this.deadline).catch(interrupt);
  }
}

/** A broken connection is worth another attempt, as long as there is time. */
function interrupt(error: unknown): never {
  const isBroken = error instanceof ClientError && (error.code === 'disconnected' || error.code === 'unreachable');
  throw isBroken ? new Interrupted(error.message) : error;
}

function check(errorCode: number): void {
  if (errorCode === ERROR.NONE) return;
  if (FENCED.has(errorCode)) throw new ClientError('fenced', errorName(errorCode));
  if (ANEW.has(errorCode) || isPassing(errorCode) || isRetriable(errorCode))
    throw new Interrupted(errorName(errorCode));
  throw new ClientError('refused', errorName(errorCode));
}
