/**
 * A thousand consumers that wait in long polls at the end of one partition, and a producer that appends to it at a fixed
 * rate. A delivery is one record at one consumer.
 */
import { decodeResponse, ERROR, errorName, Fetch } from '@meridian/protocol';
import { readBatchHeader } from '@meridian/protocol/record-batch';
import { cpuSeconds } from '../../peers/process-usage.ts';
import type { Contestant } from './contestant.ts';
import { FETCH_VERSION, fetchFrame, type Payload, produceFrame } from './payloads.ts';
import { RawConnection } from './raw-connection.ts';
import { withTopic } from './topic.ts';

const CONSUMERS = 1_000;
export const APPENDS_PER_SECOND = 20;
const MAX_WAIT_MS = 5_000;
const MAX_BYTES = 1_048_576;
const ANSWER_BYTES = 65_536;
const LEAD_IN_MS = 500;

export interface LongPollResult {
  readonly deliveries: number;
  readonly cpuSeconds: number;
}

export function longPollRound(contestant: Contestant, payload: Payload, durationMs: number): Promise<LongPollResult> {
  return withTopic(contestant, { partitions: 1, first: payload }, async (topic) => {
    const connections: RawConnection[] = [];
    try {
      const options = { keepBytes: ANSWER_BYTES, readBufferBytes: ANSWER_BYTES };
      while (connections.length < CONSUMERS) connections.push(await RawConnection.open(contestant.port, options));
      return await poll(contestant, { topic, payload, connections, durationMs });
    } finally {
      for (const connection of connections) connection.close();
    }
  });
}

interface Polling {
  readonly topic: string;
  readonly payload: Payload;
  readonly connections: readonly RawConnection[];
  readonly durationMs: number;
}

async function poll(contestant: Contestant, polling: Polling): Promise<LongPollResult> {
  const { topic, payload, connections, durationMs } = polling;
  let deliveries = 0;
  // The answers of all consumers are alike, and so are their next requests: both are worked out once.
  const frames = new Map<number, Buffer>();
  const consume = (connection: RawConnection, offset: number): void => {
    let frame = frames.get(offset);
    if (frame === undefined) {
      frame = fetchFrame({ topic, partition: 0, offset }, MAX_BYTES, MAX_WAIT_MS);
      frames.set(offset, frame);
    }
    connection.onAnswer = (_answerBytes, head) => {
      const next = nextOffset(head) ?? offset;
      deliveries += next - offset;
      consume(connection, next);
    };
    connection.send(frame);
  };
  for (const connection of connections) consume(connection, payload.recordCount);
  const producer = await RawConnection.open(contestant.port);
  const frame = produceFrame(topic, 0, payload, 1);
  const appending = setInterval(() => producer.send(frame), 1000 / APPENDS_PER_SECOND);
  await pause(LEAD_IN_MS);
  const before = { deliveries, cpu: cpuSeconds(contestant.pid) };
  await pause(durationMs);
  const result = {
    deliveries: deliveries - before.deliveries,
    cpuSeconds: cpuSeconds(contestant.pid) - before.cpu,
  };
  clearInterval(appending);
  producer.close();
  return result;
}

/** Behind the last batch of the answer; undefined if there is none. */
function nextOffset(answer: Buffer): number | undefined {
  const { body } = decodeResponse(Fetch, FETCH_VERSION, answer);
  const partition = body.responses[0]?.partitions[0];
  if (partition === undefined || partition.errorCode !== ERROR.NONE) {
    throw new Error(`Fetch: ${errorName(partition?.errorCode ?? body.errorCode)}`);
  }
  const records = partition.records?.[0];
  if (records === undefined || records.length === 0) return undefined;
  let at = 0;
  let next = 0;
  while (at < records.length) {
    const header = readBatchHeader(records, at);
    next = header.nextOffset;
    at += header.sizeInBytes;
  }
  return next;
}

const pause = (delayMs: number) => new Promise<void>((done) => setTimeout(done, delayMs));
