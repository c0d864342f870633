/**
 * Fetch at full speed along a log that was filled beforehand: over its newest batches again and again (the tail), and
 * over its oldest ones, which lie in sealed segments. Both lie in the page cache.
 */
import { ERROR, errorName } from '@meridian/protocol';
import { CONNECTIONS, type Load, type LoadResult, runClosedLoop } from './closed-loop.ts';
import type { Contestant } from './contestant.ts';
import { fetchErrorAt, fetchFrame, type Payload } from './payloads.ts';
import { PARTITIONS, produceLoad } from './produce-load.ts';
import { RawConnection } from './raw-connection.ts';
import { withTopic } from './topic.ts';

const SEGMENT_BYTES = 8_388_608;
/** Per partition. */
const FILLED_BYTES = 33_554_432;
const READ_BYTES = { tail: 2_097_152, sealed: 20_971_520 } as const;
const MAX_WAIT_MS = 500;

export interface FetchRound {
  readonly from: keyof typeof READ_BYTES;
  readonly maxBytes: number;
}

export function fetchRound(
  contestant: Contestant,
  payload: Payload,
  { from, maxBytes }: FetchRound,
  durationMs: number,
): Promise<LoadResult> {
  const configs = { 'segment.bytes': String(SEGMENT_BYTES) };
  return withTopic(contestant, { partitions: PARTITIONS, first: payload, configs }, async (topic) => {
    const batches = Math.floor(FILLED_BYTES / payload.batch.length);
    await fill(contestant, topic, payload, batches);
    const readBatches = Math.floor(READ_BYTES[from] / payload.batch.length);
    const firstBatch = from === 'tail' ? batches - readBatches : 0;
    const load = fetchLoad(topic, payload, { firstBatch, readBatches, maxBytes });
    return runClosedLoop(contestant, load, durationMs);
  });
}

/** Brings every partition to `batches` batches; the first is there already. */
async function fill(contestant: Contestant, topic: string, payload: Payload, batches: number): Promise<void> {
  const connection = await RawConnection.open(contestant.port);
  const load = produceLoad(topic, payload, 1);
  const wanted = (batches - 1) * (PARTITIONS / CONNECTIONS);
  for (let share = 0; share < CONNECTIONS; share++) {
    let answered = 0;
    let sent = 0;
    await new Promise<void>((done, fail) => {
      connection.onBroken = fail;
      connection.onAnswer = (answerBytes, head) => {
        load.take(answerBytes, head);
        if (++answered === wanted) done();
        else if (sent++ < wanted) connection.send(load.next(share));
      };
      while (sent < Math.min(8, wanted)) {
        sent++;
        connection.send(load.next(share));
      }
    });
  }
  connection.close();
}

function fetchLoad(
  topic: string,
  payload: Payload,
  { firstBatch, readBatches, maxBytes }: { firstBatch: number; readBatches: number; maxBytes: number },
): Load {
  const perFetch = Math.max(1, Math.floor(maxBytes / payload.batch.length));
  const fetches = Math.floor(readBatches / perFetch);
  const frames = Array.from({ length: PARTITIONS }, (_, partition) =>
    Array.from({ length: fetches }, (_, index) => {
      const offset = (firstBatch + index * perFetch) * payload.recordCount;
      return fetchFrame({ topic, partition, offset }, maxBytes, MAX_WAIT_MS);
    }),
  );
  const turns = new Array<number>(CONNECTIONS).fill(0);
  const errorAt = fetchErrorAt(topic);
  return {
    next: (connection) => {
      const turn = turns[connection]!++;
      const perConnection = PARTITIONS / CONNECTIONS;
      const partition = connection + CONNECTIONS * (turn % perConnection);
      return frames[partition]![Math.floor(turn / perConnection) % fetches]!;
    },
    take: (answerBytes, head) => {
      const errorCode = head.readInt16BE(errorAt);
      if (errorCode !== ERROR.NONE) throw new Error(`Fetch: ${errorName(errorCode)}`);
      // A read ends where a segment ends; part of a batch, as Kafka sends it, is of no use to anybody.
      const whole = Math.min(perFetch, Math.floor((answerBytes - errorAt) / payload.batch.length));
      if (whole === 0) throw new Error(`Fetch: no whole batch in ${answerBytes} bytes`);
      return whole * payload.batch.length;
    },
  };
}
