/**
 * Keeps aside what only the region that came back has: the committed records behind the common end go into a topic of
 * their own, each with where it was born in a header. Called by a fail-back before the topic is deleted.
 * Invariant: each record is there once, in its partition and order, also when this is interrupted and begun again.
 *
 *   <topic>.aside.<region>.<incarnation>    meridian-origin: <region>/<topic id>/<partition>/<epoch>/<offset>
 */
import { AbortedData, type CallOptions, type Client, type FetchedSlice, LATEST } from '@meridian/client';
import type { Io } from '@meridian/io';
import { decompress, ERROR, errorName } from '@meridian/protocol';
import { iterateBatches, type NewRecord, readRecords, writeBatch } from '@meridian/protocol/record-batch';
import type { MirrorLimits } from '../limits.ts';

export const ORIGIN_HEADER = 'meridian-origin';

export interface AsideOptions {
  readonly io: Pick<Io, 'timers'>;
  readonly client: Client;
  readonly limits: Pick<MirrorLimits, 'requestTimeoutMs' | 'asideBatchBytes' | 'asideReadTimeoutMs'>;
  readonly region: string;
  readonly topic: string;
  readonly topicId: string;
  readonly asideTopic: string;
  /** Somebody else has taken the work over: nothing more is written. */
  isOurs(): boolean;
  readonly signal: AbortSignal;
}

export const asideName = (topic: string, region: string, incarnation: number): string =>
  `${topic}.aside.${region}.${incarnation}`;

/** Records of `partition` from `from` to `end`; returns how many of them lie aside. */
export async function keepAside(options: AsideOptions, partition: number, from: number, end: number): Promise<number> {
  const { client, asideTopic } = options;
  const kept = await endOf(client, asideTopic, partition, callOf(options));
  const resumeAt = kept === 0 ? from : (await lastKept(options, partition, kept)) + 1;
  if (resumeAt < end) {
    await readRange(options, { topic: options.topic, partition, from: resumeAt, end }, (slice) =>
      write(options, partition, recordsOf(options, partition, slice, resumeAt, end)),
    );
  }
  return endOf(client, asideTopic, partition, callOf(options));
}

function recordsOf(
  { region, topicId }: AsideOptions,
  partition: number,
  { buffers, abortedTransactions }: FetchedSlice,
  from: number,
  end: number,
): NewRecord[] {
  const aborted = new AbortedData(abortedTransactions);
  const records: NewRecord[] = [];
  for (const buffer of buffers) {
    for (const { bytes, header } of iterateBatches(buffer)) {
      if (aborted.kindOf(header, bytes) !== 'data') continue;
      for (const { offset, timestamp, key, value, headers } of readRecords(bytes, { decompress })) {
        if (offset < from || offset >= end) continue;
        const born = `${region}/${topicId}/${partition}/${header.partitionLeaderEpoch}/${offset}`;
        const origin = { key: ORIGIN_HEADER, value: Buffer.from(born) };
        records.push({ timestamp, key, value, headers: [...headers, origin] });
      }
    }
  }
  return records;
}

/** One batch after the other; a record that is larger than a batch goes alone. */
async function write(options: AsideOptions, partition: number, records: readonly NewRecord[]): Promise<void> {
  const { client, asideTopic, limits } = options;
  for (let at = 0; at < records.length; ) {
    let sizeInBytes = 0;
    let next = at;
    for (; next < records.length && (next === at || sizeInBytes < limits.asideBatchBytes); next++) {
      const { key, value } = records[next]!;
      sizeInBytes += (key?.length ?? 0) + (value?.length ?? 0);
    }
    const batch = writeBatch({ records: records.slice(at, next) });
    const bytes = Buffer.from(batch.buffer, batch.byteOffset, batch.length);
    if (!options.isOurs()) throw new Error('another mirror goes on with it');
    const { errorCode, errorMessage } = await client.produce(asideTopic, partition, [bytes], callOf(options));
    if (errorCode !== ERROR.NONE) throw new Error(`${asideTopic}: ${errorMessage ?? errorName(errorCode)}`);
    at = next;
  }
}

/** The origin's offset of the last record that lies aside. */
async function lastKept(options: AsideOptions, partition: number, kept: number): Promise<number> {
  const range = { topic: options.asideTopic, partition, from: kept - 1, end: kept };
  let last: number | undefined;
  await readRange(options, range, async ({ buffers }) => {
    for (const buffer of buffers) {
      for (const { bytes } of iterateBatches(buffer)) {
        for (const { headers } of readRecords(bytes, { decompress })) {
          const born = headers.find(({ key }) => key === ORIGIN_HEADER)?.value;
          if (born) last = Number(Buffer.from(born).toString().split('/').at(-1));
        }
      }
    }
  });
  if (last === undefined) throw new Error(`${options.asideTopic} holds records that were not kept aside by a mirror`);
  return last;
}

interface Range {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly end: number;
}

/** Slice by slice, each when the one before has been dealt with; committed records only. */
async function readRange(
  { client, io, limits, signal }: AsideOptions,
  { topic, partition, from, end }: Range,
  take: (slice: FetchedSlice) => Promise<void>,
): Promise<void> {
  const fetcher = client.fetcher({ isolation: 'read_committed' });
  try {
    for (let position = from; position < end; ) {
      const slice = await new Promise<FetchedSlice | number>((resolve, reject) => {
        const fail = (reason: string): void => reject(new Error(`${topic}-${partition} cannot be read: ${reason}`));
        const late = io.timers.after(limits.asideReadTimeoutMs, () => fail('no answer in time'));
        const done = (found: FetchedSlice | number): void => {
          late.cancel();
          handle.remove();
          resolve(found);
        };
        signal.addEventListener('abort', () => fail('stopped'), { once: true });
        const handle = fetcher.add({
          ...{ topic, partition, offset: position },
          onBatches: (found) => (found.buffers.length > 0 ? done(copied(found)) : undefined),
          onEnd: (highWatermark, hole) => (hole || highWatermark >= end ? done(end) : undefined),
          onError: ({ detail }) => fail(detail),
        });
      });
      if (typeof slice === 'number') return;
      await take(slice);
      position = slice.nextOffset;
    }
  } finally {
    fetcher.close();
  }
}

/** The fetcher's buffers are good for the turn only. */
const copied = (slice: FetchedSlice): FetchedSlice => ({
  ...slice,
  buffers: slice.buffers.map((buffer) => Buffer.from(buffer)),
});

async function endOf(client: Client, topic: string, partition: number, call: CallOptions): Promise<number> {
  const [found] = await client.listOffsets([{ topic, partition, timestamp: LATEST }], call);
  if (found?.errorCode === ERROR.NONE) return found.offset;
  throw new Error(`the end of ${topic}-${partition}: ${errorName(found?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR)}`);
}

const callOf = ({ limits, signal }: AsideOptions): CallOptions => ({ timeoutMs: limits.requestTimeoutMs, signal });
