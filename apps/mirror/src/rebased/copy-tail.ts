/**
 * Looks at the end of a copy's log in an Apache Kafka cluster, after a fence: where it ends, and the last batch that is
 * not a control batch. Asked by the shell. Invariant: it answers only if the marker of our own fence lies below the end
 * that it tells; so nothing of a predecessor can land any more, whatever the coordinator believes to have written.
 */
import { type Client, EARLIEST, type FencedProducer, LATEST } from '@meridian/client';
import { ERROR, errorName, Fetch } from '@meridian/protocol';
import { iterateBatches } from '@meridian/protocol/record-batch';
import { offsetOf } from '../task/listed-offset.ts';
import type { LandedBatch } from './rebased-messages.ts';

export interface CopyLog {
  readonly client: Client;
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly call: { readonly timeoutMs: number; readonly signal: AbortSignal };
}

export interface Tail {
  readonly lastBatch: LandedBatch | null;
  readonly logStart: number;
  readonly logEnd: number;
}

/** Offsets that are looked at first; each further look goes eight times as far back. */
const FIRST_LOOK = 8;
/** Of one answer: headers are wanted, but only whole batches come. */
const FETCH_BYTES = 256 * 1024;

export async function copyTail(log: CopyLog, fenced: FencedProducer): Promise<Tail> {
  const { client, topic, partition, call } = log;
  const list = (timestamp: number) => client.listOffsets([{ topic, partition, timestamp }], call);
  const logStart = offsetOf(await list(EARLIEST), 'the copy');
  const logEnd = offsetOf(await list(LATEST), 'the copy');
  const search = new TailSearch(log, fenced);
  for (let to = logEnd, reach = FIRST_LOOK; to > logStart && search.lastBatch === null; reach *= 8) {
    const from = Math.max(logStart, to - reach);
    await search.look(from, to);
    to = from;
  }
  if (search.hasMarker) return { lastBatch: search.lastBatch, logStart, logEnd };
  throw new Error(`the marker of epoch ${fenced.producerEpoch} is not in ${topic}-${partition}: it is fenced anew`);
}

class TailSearch {
  lastBatch: LandedBatch | null = null;
  hasMarker = false;
  private readonly log: CopyLog;
  private readonly fenced: FencedProducer;

  constructor(log: CopyLog, fenced: FencedProducer) {
    this.log = log;
    this.fenced = fenced;
  }

  /** All batches from the one that holds `from` to the one before `to`. */
  async look(from: number, to: number): Promise<void> {
    for (let at = from; at < to; ) {
      const bytes = await readFrom(this.log, at);
      let next = at;
      for (const { header } of iterateBatches(bytes, 'partial')) {
        if (header.nextOffset <= at) continue;
        next = header.nextOffset;
        if (header.baseOffset >= to) break;
        if (!header.isControl) this.lastBatch = header;
        else if (this.isOurs(header)) this.hasMarker = true;
      }
      if (next === at) return; // what is left is a hole that compaction has made
      at = next;
    }
  }

  private isOurs({ producerId, producerEpoch }: FencedProducer): boolean {
    return producerId === this.fenced.producerId && producerEpoch === this.fenced.producerEpoch;
  }
}

async function readFrom(log: CopyLog, fetchOffset: number): Promise<Buffer> {
  const { client, topic, topicId, partition, call } = log;
  const leader = await client.leaderOf(topic, partition, call);
  const topics = [{ topic, topicId, partitions: [{ partition, fetchOffset, partitionMaxBytes: FETCH_BYTES }] }];
  const answer = await client.send(Fetch, { maxWaitMs: 0, minBytes: 1, maxBytes: FETCH_BYTES, topics }, leader, call);
  const found = answer.responses[0]?.partitions[0];
  const errorCode = answer.errorCode || (found?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR);
  if (errorCode === ERROR.NONE) return Buffer.concat(found!.records ?? []);
  await client.metadata([topic], { ...call, maxAgeMs: 0 });
  throw new Error(`the end of ${topic}-${partition} cannot be read: ${errorName(errorCode)}`);
}
