/**
 * Fetch at the simulated Apache Kafka: long polls, both isolation levels, the aborted transactions of what is handed out.
 * Invariant: nothing at or behind the high watermark, or the last stable offset, leaves. Sessions are declined, as a
 * broker may: every request names its partitions.
 */
import { ERROR, type Fetch, type RequestOf, type ResponseInput } from '@meridian/protocol';
import type { KafkaContext } from './kafka-context.ts';
import { leaderError } from './log-handlers.ts';
import type { SimPartition } from './sim-partition.ts';

type Body = RequestOf<typeof Fetch>;
type Ask = Body['topics'][number]['partitions'][number];

interface Reading {
  bytes: number;
  /** Something that does not wait: an error, a divergence. */
  isUrgent: boolean;
}

export async function fetch(kafka: KafkaContext, body: Body): Promise<ResponseInput<typeof Fetch>> {
  let reading = read(kafka, body);
  if (!reading.isUrgent && reading.bytes < body.minBytes && body.maxWaitMs > 0) {
    await new Promise<void>((resolve) => {
      const timer = kafka.io.timers.after(body.maxWaitMs, () => end());
      const leave = kafka.onWake(() => {
        const { isUrgent, bytes } = read(kafka, body);
        if (isUrgent || bytes >= body.minBytes) end();
      });
      const end = (): void => {
        leave();
        timer.cancel();
        resolve();
      };
    });
    reading = read(kafka, body);
  }
  return { errorCode: ERROR.NONE, sessionId: 0, responses: reading.responses };
}

function read(kafka: KafkaContext, body: Body) {
  const reading: Reading = { bytes: 0, isUrgent: false };
  const responses = body.topics.map(({ topic, topicId, partitions }) => ({
    topic,
    topicId,
    partitions: partitions.map((ask) => {
      const partition = kafka.topicOf(topic, topicId)?.partitions[ask.partition];
      const errorCode = partition === undefined ? kafka.unknown(topic) : refusal(partition, ask);
      if (partition !== undefined && errorCode === ERROR.NONE) return readOne(partition, ask, body, reading);
      reading.isUrgent = true;
      const nothing = { highWatermark: -1, abortedTransactions: null, records: null };
      return { partitionIndex: ask.partition, errorCode, ...nothing };
    }),
  }));
  return { ...reading, responses };
}

function refusal(partition: SimPartition, ask: Ask): number {
  const errorCode = leaderError(partition, ask.currentLeaderEpoch);
  if (errorCode !== ERROR.NONE) return errorCode;
  const isInside = ask.fetchOffset >= partition.startOffset && ask.fetchOffset <= partition.endOffset;
  return isInside || diverging(partition, ask) !== undefined ? ERROR.NONE : ERROR.OFFSET_OUT_OF_RANGE;
}

function diverging(partition: SimPartition, ask: Ask): { epoch: number; endOffset: number } | undefined {
  if (ask.lastFetchedEpoch < 0) return undefined;
  const end = partition.endOffsetFor(ask.lastFetchedEpoch);
  return end.epoch < ask.lastFetchedEpoch || end.endOffset < ask.fetchOffset ? end : undefined;
}

function readOne(partition: SimPartition, ask: Ask, body: Body, reading: Reading) {
  const isCommitted = body.isolationLevel === 1;
  const end = isCommitted ? partition.lastStableOffset : partition.endOffset;
  const divergingEpoch = diverging(partition, ask);
  if (divergingEpoch !== undefined) reading.isUrgent = true;
  const left = Math.min(body.maxBytes - reading.bytes, ask.partitionMaxBytes);
  const found = divergingEpoch === undefined ? partition.read(ask.fetchOffset, end, left) : [];
  const size = found.reduce((sum, batch) => sum + batch.length, 0);
  const fits = size <= left || reading.bytes === 0;
  if (fits) reading.bytes += size;
  return {
    partitionIndex: ask.partition,
    errorCode: ERROR.NONE,
    highWatermark: partition.endOffset,
    lastStableOffset: partition.lastStableOffset,
    logStartOffset: partition.startOffset,
    ...(divergingEpoch && { divergingEpoch }),
    abortedTransactions: isCommitted && fits ? abortedIn(partition, ask.fetchOffset, found, end) : null,
    records: fits ? found : [],
  };
}

function abortedIn(partition: SimPartition, from: number, found: readonly Buffer[], end: number) {
  const last = found.at(-1);
  const to = last === undefined ? from : Math.min(end, Number(last.readBigInt64BE(0)) + last.readInt32BE(23) + 1);
  return partition.abortedIn(from, to).map(({ producerId, firstOffset }) => ({ producerId, firstOffset }));
}
