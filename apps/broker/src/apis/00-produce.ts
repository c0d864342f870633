/**
 * Produce: hands each partition its batch and answers when the last one has settled. On the internal listener a partition
 * may carry the mirror's tag and is then appended at its origin's offsets.
 * Invariant: acks=0 is never answered; if anything about it was refused, the connection closes, as Apache Kafka does.
 */
import { ERROR, errorName, Produce, type RequestOf } from '@meridian/protocol';
import { ATTRIBUTE, batchAttributes } from '@meridian/protocol/record-batch';
import { type ProduceOwner, ProducePart } from '../partition/produce-part.ts';
import { batchSizeAt, type UnpackBudget } from '../partition/validation/batch-checks.ts';
import { ProduceRefusal } from '../partition/validation/produce-refusal.ts';
import type { BrokerNode } from './broker-nodes.ts';
import { CLOSE, type Handler, type HandlerReach, LATER, NO_ANSWER, type RequestHeader } from './handler.ts';
import { leaderOf, withLeader } from './leader-hint.ts';
import { isInternalTopic } from './topic-description.ts';

type Request = RequestOf<typeof Produce>;
type Header = RequestHeader<typeof Produce>;
type Topic = Request['topicData'][number];
type Reach = Pick<HandlerReach, 'partitions' | 'monotonic' | 'limits' | 'image'>;

/** Apache Kafka's own tools may write to internal topics; this is how they are told. */
const ADMIN_CLIENT_ID = '__admin_client';
/** A batch is refused for what it is, not for where or when it came. */
const BATCH_ERRORS: ReadonlySet<number> = new Set([
  ERROR.CORRUPT_MESSAGE,
  ERROR.INVALID_RECORD,
  ERROR.INVALID_TIMESTAMP,
  ERROR.MESSAGE_TOO_LARGE,
  ERROR.UNSUPPORTED_COMPRESSION_TYPE,
]);
/** From this version on a topic goes by its id. */
const BY_ID_SINCE = 13;
/** From this version on a client that came to the wrong broker is told the right one. */
const LEADER_SINCE = 10;
const NO_NODES: readonly BrokerNode[] = [];

export function createProduceHandler(reach: Reach): Handler<typeof Produce> {
  return {
    api: Produce,
    handle(request, header) {
      new ProduceInWork(request, header, reach).start();
      return LATER;
    },
  };
}

interface TopicAnswer {
  readonly name: string;
  readonly topicId: string;
  readonly partitionResponses: ProducePart[];
}

/** A produce request between its appends and its answer. */
class ProduceInWork implements ProduceOwner {
  readonly #request: Request;
  readonly #header: Header;
  readonly #reach: Reach;
  readonly #responses: TopicAnswer[] = [];
  readonly #budget: UnpackBudget;
  /** Parts that have not settled, and one for `start` itself. */
  #unsettled = 1;

  constructor(request: Request, header: Header, reach: Reach) {
    this.#request = request;
    this.#header = header;
    this.#reach = reach;
    const { maxDecompressedRequestBytes, maxRecordsPerRequest } = reach.limits;
    this.#budget = { left: maxDecompressedRequestBytes, recordsLeft: maxRecordsPerRequest };
  }

  start(): void {
    const { acks, timeoutMs, topicData } = this.#request;
    const deadlineMs = this.#reach.monotonic() + Math.max(0, timeoutMs);
    const errorOfAll = requestError(this.#request, this.#header.source.listener === 'internal');
    for (const topic of topicData) {
      const partitionResponses: ProducePart[] = [];
      this.#responses.push({ name: topic.name, topicId: topic.topicId, partitionResponses });
      for (const data of topic.partitionData) {
        const part = new ProducePart(data.index, acks, deadlineMs, this);
        partitionResponses.push(part);
        this.#unsettled++;
        if (errorOfAll !== ERROR.NONE) part.settle(errorOfAll);
        else this.#append(part, topic, data);
      }
    }
    this.partSettled();
  }

  partSettled(): void {
    if (--this.#unsettled > 0) return;
    this.#tellRefused();
    if (this.#request.acks !== 0) this.#header.answer({ responses: this.#responses, nodeEndpoints: this.#leaders() });
    else this.#header.answer(this.#hasError() ? CLOSE : NO_ANSWER);
  }

  #append(part: ProducePart, topic: Topic, data: Topic['partitionData'][number]): void {
    const { partitions } = this.#reach;
    const { version, source, clientId } = this.#header;
    const partition =
      version >= BY_ID_SINCE ? partitions.byId(topic.topicId, data.index) : partitions.byName(topic.name, data.index);
    if (partition === undefined) {
      part.settle(
        version >= BY_ID_SINCE
          ? partitions.errorById(topic.topicId, data.index)
          : partitions.errorByName(topic.name, data.index),
      );
      return;
    }
    const isInternal = source.listener === 'internal';
    if (!isInternal && clientId !== ADMIN_CLIENT_ID && isInternalTopic(partition.topic)) {
      return part.settle(ERROR.INVALID_TOPIC_EXCEPTION, 'Cannot append to an internal topic.');
    }
    const records = data.records?.[0];
    if (isInternal && data.mirror !== null) return partition.produceMirrored(part, records, data.mirror);
    const validation = isInternal ? 'header' : 'full';
    partition.produce(part, records, { validation, version, budget: this.#budget, isPeer: isInternal });
  }

  /** A producer that is set up wrongly, or hostile: whoever runs the broker wants to know. */
  #tellRefused(): void {
    for (const { partitionResponses } of this.#responses) {
      const part = partitionResponses.find(({ errorCode }) => BATCH_ERRORS.has(errorCode));
      if (part === undefined) continue;
      this.#header.source.refused('a batch', { partition: part.index, error: errorName(part.errorCode) });
      return;
    }
  }

  /** Tells the parts that came to the wrong broker who leads, and returns the addresses. */
  #leaders(): readonly BrokerNode[] {
    const { image } = this.#reach;
    const { source, version } = this.#header;
    if (version < LEADER_SINCE) return NO_NODES;
    let nodes = NO_NODES;
    for (const { name: topic, topicId, partitionResponses } of this.#responses) {
      for (const part of partitionResponses) {
        if (part.errorCode !== ERROR.NOT_LEADER_OR_FOLLOWER) continue;
        part.currentLeader = leaderOf(image, { topic, topicId }, part.index);
        if (part.currentLeader !== undefined) nodes = withLeader(nodes, part.currentLeader, image, source.listener);
      }
    }
    return nodes;
  }

  #hasError(): boolean {
    return this.#responses.some((topic) => topic.partitionResponses.some((part) => part.errorCode !== ERROR.NONE));
  }
}

/**
 * What is wrong with the request as a whole. As in Apache Kafka the first batch of each partition is looked at, up to one
 * that says to be part of a transaction: such a request has to name its transactional id. What the mirror brings was
 * part of one at its origin.
 */
function requestError({ topicData, transactionalId }: Request, isInternal: boolean): number {
  for (const { partitionData } of topicData) {
    for (const { records, mirror } of partitionData) {
      if (isInternal && mirror !== null) continue;
      const form = records?.[0] === undefined ? 'none' : formOf(records[0]);
      if (form === 'nonsense') return ERROR.CORRUPT_MESSAGE;
      if (form !== 'transactional') continue;
      return transactionalId === null ? ERROR.TRANSACTIONAL_ID_AUTHORIZATION_FAILED : ERROR.NONE;
    }
  }
  return ERROR.NONE;
}

function formOf(batch: Buffer): 'none' | 'plain' | 'transactional' | 'nonsense' {
  try {
    if (batchSizeAt(batch, 0) === undefined) return 'none';
  } catch (error) {
    // Others are found out with their partition.
    return error instanceof ProduceRefusal && error.errorCode === ERROR.CORRUPT_MESSAGE ? 'nonsense' : 'plain';
  }
  return (batchAttributes(batch, 0) & ATTRIBUTE.transactional) === 0 ? 'plain' : 'transactional';
}
