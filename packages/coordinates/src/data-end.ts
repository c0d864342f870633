/**
 * Where the records of a re-based copy end: behind them markers of take-overs may lie, which are no records. Asked for a
 * view of a copy whose last run is open. Invariant: what it tells is at most the high watermark that it was asked for.
 */
import type { Client } from '@meridian/client';
import { ERROR, errorName, Fetch } from '@meridian/protocol';
import { iterateBatches } from '@meridian/protocol/record-batch';
import { CoordinateError } from './errors.ts';
import { LIMITS } from './limits.ts';

export interface CopyLog {
  readonly client: Client;
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}

/** Looks back from the high watermark, further each time, down to `from` at most. */
export async function dataEnd(log: CopyLog, from: number, highWatermark: number): Promise<number> {
  let to = highWatermark;
  for (let reach = LIMITS.tailFirstReach; to > from; reach *= 8) {
    const start = Math.max(from, highWatermark - reach);
    const found = await lastRecordEnd(log, start, to);
    if (found !== undefined) return Math.min(found, highWatermark);
    to = start;
  }
  return Math.min(from, highWatermark);
}

async function lastRecordEnd(log: CopyLog, from: number, to: number): Promise<number | undefined> {
  let end: number | undefined;
  for (let at = from; at < to; ) {
    const before = at;
    for (const { header } of iterateBatches(await read(log, at), 'partial')) {
      if (header.nextOffset <= at || header.baseOffset >= to) continue;
      at = header.nextOffset;
      if (!header.isControl && header.recordCount > 0) end = header.nextOffset;
    }
    if (at === before) break;
  }
  return end;
}

async function read({ client, topic, topicId, partition }: CopyLog, fetchOffset: number): Promise<Buffer> {
  const leader = await client.leaderOf(topic, partition);
  const partitionMaxBytes = LIMITS.tailFetchBytes;
  const topics = [{ topic, topicId, partitions: [{ partition, fetchOffset, partitionMaxBytes }] }];
  const answer = await client.send(Fetch, { maxWaitMs: 0, minBytes: 1, maxBytes: partitionMaxBytes, topics }, leader);
  const found = answer.responses[0]?.partitions[0];
  const errorCode = answer.errorCode || (found?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR);
  if (errorCode === ERROR.NONE) return Buffer.concat(found!.records ?? []);
  await client.metadata([topic], { maxAgeMs: 0 });
  throw new CoordinateError('unread', `the end of ${topic}-${partition}: ${errorName(errorCode)}`);
}
