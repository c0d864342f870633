/**
 * Takes publishes of all sessions and of HTTP to their partitions. Without idempotence they share batches across
 * sessions and tenants' clients; with it, a session's batches bear its producer id and keep their order.
 * Invariant: every request is answered once; the bytes that wait are bounded for the whole gateway.
 */
import type { Clock, Timers } from '@meridian/io';
import { ERROR, nativeCrc32c } from '@meridian/protocol';
import { partitionForKey, stampProducer, writeBatch } from '@meridian/protocol/record-batch';
import { physicalTopic } from '@meridian/tenancy';
import type { BrokerPort, TopicFacts } from '../broker/broker-port.ts';
import { asGatewayError, GatewayError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Lane, type LaneEntry, type LaneResult } from './lane.ts';
import { refusal } from './publish-errors.ts';
import type { ProducerIdentity, PublishOutcome, PublishRequest } from './publish-request.ts';
import type { TopicDirectory } from './topic-directory.ts';

export interface PublisherDeps {
  readonly broker: BrokerPort;
  readonly topics: TopicDirectory;
  readonly timers: Timers;
  readonly clock: Clock;
}

type Answer = (outcome: PublishOutcome) => void;

export class Publisher {
  private readonly deps: PublisherDeps;
  private readonly lanes = new Map<string, Lane>();
  /** Publishes that wait for their topic to be looked up, in order. */
  private readonly waiting = new Map<string, ((found: TopicFacts | GatewayError) => void)[]>();
  /** Partition for records without a key, per topic; moves on from time to time. */
  private readonly sticky = new Map<string, { partition: number; left: number }>();
  private queuedBytes = 0;
  private unanswered = 0;
  private onQuiet: (() => void) | undefined;

  constructor(deps: PublisherDeps) {
    this.deps = deps;
  }

  publish(tenant: string, request: PublishRequest, producer: ProducerIdentity | undefined, answer: Answer): void {
    if (this.queuedBytes + request.sizeInBytes > LIMITS.maxQueuedPublishBytes) {
      answer(new GatewayError('limit-exceeded', 'the gateway has too many publishes waiting'));
      return;
    }
    this.queuedBytes += request.sizeInBytes;
    this.unanswered++;
    const done: Answer = (outcome) => {
      this.queuedBytes -= request.sizeInBytes;
      this.unanswered--;
      answer(outcome);
      if (this.unanswered === 0) this.onQuiet?.();
    };
    const name = physicalTopic(tenant, request.topic);
    const facts = this.deps.topics.peek(name, this.deps.clock.now());
    if (facts !== undefined && !this.waiting.has(name)) this.dispatch(facts, request, producer, done);
    else this.wait(name, request, producer, done);
  }

  /** Resolves when everything taken so far has been answered. */
  quiet(): Promise<void> {
    if (this.unanswered === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.onQuiet = resolve;
    });
  }

  private wait(name: string, request: PublishRequest, producer: ProducerIdentity | undefined, done: Answer): void {
    const go = (found: TopicFacts | GatewayError): void => {
      if (found instanceof GatewayError) done(found);
      else this.dispatch(found, request, producer, done);
    };
    const queue = this.waiting.get(name);
    if (queue !== undefined) {
      queue.push(go);
      return;
    }
    this.waiting.set(name, [go]);
    const finish = (found: TopicFacts | GatewayError): void => {
      const waiting = this.waiting.get(name) ?? [];
      this.waiting.delete(name);
      for (const next of waiting) next(found);
    };
    this.deps.topics.find(name, true, this.deps.clock.now()).then(finish, (error) => finish(asGatewayError(error)));
  }

  private dispatch(
    facts: TopicFacts,
    request: PublishRequest,
    producer: ProducerIdentity | undefined,
    done: Answer,
  ): void {
    if (facts.isCopy) return done(new GatewayError('forbidden', 'the topic is a copy from another region'));
    const partition = request.partition ?? this.choose(facts, request);
    if (partition >= facts.partitions) {
      return done(new GatewayError('bad-request', `partition ${partition}: the topic has ${facts.partitions}`));
    }
    const batch = producer === undefined ? request.batch : stamped(request, producer);
    const entry: LaneEntry = {
      record: request.record,
      batch,
      sizeInBytes: request.sizeInBytes,
      answer: (result, index) => done(this.outcome(facts, partition, result, index)),
    };
    this.lane(facts, partition, producer).push(entry);
  }

  private lane(facts: TopicFacts, partition: number, producer: ProducerIdentity | undefined): Lane {
    const key = `${facts.localId} ${partition} ${producer?.producerId ?? ''}`;
    let lane = this.lanes.get(key);
    if (lane === undefined) {
      lane = new Lane({
        timers: this.deps.timers,
        produce: (batch) => this.deps.broker.produce(facts, partition, batch),
        onIdle: () => this.lanes.delete(key),
      });
      this.lanes.set(key, lane);
    }
    return lane;
  }

  private outcome(facts: TopicFacts, partition: number, result: LaneResult, index: number): PublishOutcome {
    if ('error' in result) return asGatewayError(result.error);
    const { errorCode, errorMessage, baseOffset, leaderEpoch, isDuplicate } = result.produced;
    const origin = { region: facts.originRegion, topicId: facts.originTopicId, partition, epoch: leaderEpoch };
    if (errorCode === ERROR.DUPLICATE_SEQUENCE_NUMBER) return { ...origin, offset: baseOffset, duplicate: true };
    if (errorCode !== ERROR.NONE) {
      if (errorCode === ERROR.UNKNOWN_TOPIC_OR_PARTITION) this.deps.topics.forget(facts.name);
      return refusal(errorCode, errorMessage);
    }
    return { ...origin, offset: baseOffset + index, ...(isDuplicate ? { duplicate: true } : {}) };
  }

  private choose(facts: TopicFacts, request: PublishRequest): number {
    const key = request.record?.key;
    if (key !== undefined && key !== null) return partitionForKey(key, facts.partitions);
    let sticky = this.sticky.get(facts.localId);
    if (sticky === undefined || sticky.left <= 0 || sticky.partition >= facts.partitions) {
      const next = sticky === undefined ? 0 : (sticky.partition + 1) % facts.partitions;
      if (this.sticky.size >= LIMITS.maxKnownTopics) this.sticky.clear();
      sticky = { partition: next, left: LIMITS.stickyRecords };
      this.sticky.set(facts.localId, sticky);
    }
    sticky.left--;
    return sticky.partition;
  }
}

/** The publish as a batch with the session's producer id, epoch and sequence; a batch of the client's is stamped in place. */
function stamped(request: PublishRequest, producer: ProducerIdentity): Buffer {
  const identity = { ...producer, baseSequence: request.sequence ?? 0 };
  if (request.batch !== undefined) {
    stampProducer(request.batch, 0, identity, nativeCrc32c);
    return request.batch;
  }
  const records = request.record === undefined ? [] : [request.record];
  const bytes = writeBatch({ records, ...identity, crc: nativeCrc32c });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
