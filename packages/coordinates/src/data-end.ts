/**
 * Where the records of a re-based copy end: behind them markers of take-overs may lie, which are no records. Asked for a
 * view of a copy whose last run is open. Invariant: what it tells is at most the high watermark that it was asked for.
 */
import { type Client, EARLIEST } from '@meridian/client';
import { ERROR, errorName, Fetch } from '@meridian/protocol';
import { iterateBatches } from '@meridian/protocol/record-batch';
import { CoordinateError } from './errors.ts';
import { LIMITS } from './limits.ts';

export interface CopyLog {
  readonly client: Pick<Client, 'leaderOf' | 'send' | 'metadata' | 'listOffsets'>;
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}

/** Looks back from the high watermark, further each time, down to `from` at most, or to where the log begins by then. */
export async function dataEnd(log: CopyLog, from: number, highWatermark: number): Promise<number> {
  let first = from;
  let to = highWatermark;
  for (let reach = LIMITS.tailFirstReach; to > first; reach *= 8) {
    const start = Math.max(first, highWatermark - reach);
    const found = await lastRecordEnd(log, start, to);
    if (found === 'deleted') first = await startBehind(log, start);
    else if (found !== undefined) return Math.min(found, highWatermark);
    else to = start;
  }
  return Math.min(first, highWatermark);
}

async function lastRecordEnd(log: CopyLog, from: number, to: number): Promise<number | 'deleted' | undefined> {
  let end: number | undefined;
  for (let at = from; at < to; ) {
    const before = at;
    const bytes = await read(log, at);
    if (bytes === undefined) return 'deleted';
    for (const { header } of iterateBatches(bytes, 'partial')) {
      if (header.nextOffset <= at || header.baseOffset >= to) continue;
      at = header.nextOffset;
      if (!header.isControl && header.recordCount > 0) end = header.nextOffset;
    }
    if (at === before) break;
  }
  return end;
}

/** Undefined: there is no such offset in the log. */
async function read({ client, topic, topicId, partition }: CopyLog, fetchOffset: number): Promise<Buffer | undefined> {
  const leader = await client.leaderOf(topic, partition);
  const partitionMaxBytes = LIMITS.tailFetchBytes;
  const topics = [{ topic, topicId, partitions: [{ partition, fetchOffset, partitionMaxBytes }] }];
  const answer = await client.send(Fetch, { maxWaitMs: 0, minBytes: 1, maxBytes: partitionMaxBytes, topics }, leader);
  const found = answer.responses[0]?.partitions[0];
  const errorCode = answer.errorCode || (found?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR);
  if (errorCode === ERROR.NONE) return Buffer.concat(found!.records ?? []);
  if (errorCode === ERROR.OFFSET_OUT_OF_RANGE) return undefined;
  await client.metadata([topic], { maxAgeMs: 0 });
  throw unread(topic, partition, errorCode);
}

/** Records before it were deleted, maybe just now. */
async function startBehind({ client, topic, partition }: CopyLog, offset: number): Promise<number> {
  const [listed] = await client.listOffsets([{ topic, partition, timestamp: EARLIEST }]);
  const errorCode = listed?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR;
  if (errorCode !== ERROR.NONE) throw unread(topic, partition, errorCode);
  if (listed!.offset <= offset) throw unread(topic, partition, ERROR.OFFSET_OUT_OF_RANGE);
  return listed!.offset;
}

const unread = (topic: string, partition: number, errorCode: number): CoordinateError =>
  new CoordinateError('unread', `the end of ${topic}-${partition}: ${errorName(errorCode)}`);
