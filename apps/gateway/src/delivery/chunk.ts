/**
 * A chunk: consecutive batches of one origin epoch, and the frames that show them, each built at most once and then
 * written to every subscriber. Feeds make chunks, subscriptions deliver them.
 * Invariant: a chunk covers the offsets `from`..`next` without a hole; what lies there and is not in its batches
 * (control batches, compacted records) does not exist for clients.
 */
import {
  BATCH_HEADER_BYTES,
  batchAttributes,
  batchBaseOffset,
  batchLastOffset,
  batchLeaderEpoch,
  batchRecordCount,
  batchSizeInBytes,
} from '@meridian/protocol/record-batch';
import { BINARY_KINDS, packBinary } from '@meridian/sdk/frames';
import { LIMITS } from '../limits.ts';
import { isUndecodable, type Shown, type ShownRecord, showBatch, type Undecodable } from './shown-records.ts';
import { binaryFrame, textFrame, type WireFrame } from './wire-frame.ts';

/** Where the records of a feed come from, as frames say it. */
export interface FeedOrigin {
  /** The topic as its tenant calls it. */
  topic: string;
  region: string;
  topicId: string;
  partition: number;
}

export interface BatchInfo {
  bytes: Buffer;
  baseOffset: number;
  nextOffset: number;
}

/** One frame of a chunk and the offsets it accounts for: `base` is its first record, `next` where the next one begins. */
export interface ChunkFrame {
  base: number;
  next: number;
  messages: number;
  wire: WireFrame;
}

const CONTROL_BIT = 0x20;

export class Chunk {
  readonly origin: FeedOrigin;
  readonly epoch: number;
  readonly from: number;
  readonly next: number;
  readonly batches: readonly BatchInfo[];
  /** Bytes of the batches. */
  readonly sizeInBytes: number;
  private shown: Shown[] | undefined;
  private json: ChunkFrame[] | undefined;
  private binary: ChunkFrame[] | undefined;

  constructor(origin: FeedOrigin, epoch: number, from: number, next: number, batches: readonly BatchInfo[]) {
    this.origin = origin;
    this.epoch = epoch;
    this.from = from;
    this.next = next;
    this.batches = batches;
    this.sizeInBytes = batches.reduce((sum, batch) => sum + batch.bytes.length, 0);
  }

  /** First offset that lies in a batch; `next` if there is none. */
  get base(): number {
    return this.batches[0]?.baseOffset ?? this.next;
  }

  jsonFrames(): readonly ChunkFrame[] {
    return (this.json ??= framesOf(this, this.batches.flatMap(showBatch)));
  }

  binaryFrames(): readonly ChunkFrame[] {
    return (this.binary ??= this.batches.length === 0 ? [] : [binaryChunkFrame(this)]);
  }

  /** A frame of one subscriber's own: from `offset` on, at most `maxMessages` and, beyond the first record, `maxBytes`. */
  privateFrame(offset: number, maxMessages: number, maxBytes: number): ChunkFrame | undefined {
    this.shown ??= this.batches.flatMap(showBatch);
    const records: ShownRecord[] = [];
    let bytes = headText(this).length + 2;
    for (const shown of this.shown) {
      if (isUndecodable(shown)) {
        if (shown.to <= offset) continue;
        if (records.length === 0) return undecodableFrame(this, shown);
        return messagesFrame(this, records, shown.from);
      }
      if (shown.offset < offset) continue;
      bytes += Buffer.byteLength(shown.text, 'utf8') + 1;
      if (records.length > 0 && (records.length >= maxMessages || bytes > maxBytes)) {
        return messagesFrame(this, records, shown.offset);
      }
      records.push(shown);
    }
    return records.length === 0 ? undefined : messagesFrame(this, records, this.next);
  }
}

/**
 * Cuts whole batches into chunks that begin at `from`. `epochOf` says a batch's origin epoch (default: the one in its
 * header); `advanceTo` carries the last chunk further, over offsets that have no batch.
 */
export function chunksOf(
  origin: FeedOrigin,
  from: number,
  buffers: readonly Buffer[],
  epochOf: (batch: BatchInfo) => number = ({ bytes }) => batchLeaderEpoch(bytes),
  advanceTo = from,
): Chunk[] {
  const chunks: Chunk[] = [];
  let run: BatchInfo[] = [];
  let start = from;
  let next = from;
  let epoch = -1;
  let bytes = 0;
  const cut = (): void => {
    if (next > start) chunks.push(new Chunk(origin, epoch, start, next, run));
    run = [];
    start = next;
    bytes = 0;
  };
  for (const batch of batchesIn(buffers)) {
    if (batch.nextOffset <= next) continue; // an answer may begin with the batch that holds the offset asked for
    const batchEpoch = epochOf(batch);
    if (batchEpoch !== epoch || bytes + batch.bytes.length > LIMITS.chunkBytes) cut();
    epoch = batchEpoch;
    next = batch.nextOffset;
    if (hasNoRecords(batch.bytes)) continue;
    bytes += batch.bytes.length;
    run.push(batch);
  }
  next = Math.max(next, advanceTo);
  cut();
  return chunks;
}

/** Only sizes are looked at: a batch whose header lies about its records is for `showBatch` to refuse. */
function* batchesIn(buffers: readonly Buffer[]): Generator<BatchInfo> {
  for (const buffer of buffers) {
    for (let at = 0; at + BATCH_HEADER_BYTES <= buffer.length; ) {
      const end = at + batchSizeInBytes(buffer, at);
      if (end < at + BATCH_HEADER_BYTES || end > buffer.length) break; // cut off: read again from there
      const bytes = buffer.subarray(at, end);
      yield { bytes, baseOffset: batchBaseOffset(bytes), nextOffset: batchLastOffset(bytes) + 1 };
      at = end;
    }
  }
}

const hasNoRecords = (bytes: Buffer): boolean =>
  (batchAttributes(bytes) & CONTROL_BIT) !== 0 || batchRecordCount(bytes) === 0;

function framesOf(chunk: Chunk, shown: readonly Shown[]): ChunkFrame[] {
  const frames: ChunkFrame[] = [];
  let records: ShownRecord[] = [];
  let chars = 0;
  const flush = (next: number): void => {
    if (records.length > 0) frames.push(messagesFrame(chunk, records, next));
    records = [];
    chars = 0;
  };
  for (const one of shown) {
    if (isUndecodable(one)) {
      flush(one.from);
      frames.push(undecodableFrame(chunk, one));
      continue;
    }
    if (chars > LIMITS.messagesFrameBytes) flush(one.offset);
    records.push(one);
    chars += one.text.length;
  }
  flush(chunk.next);
  return frames;
}

function originText({ origin, epoch }: Chunk): string {
  const { topic, region, topicId, partition } = origin;
  return `"topic":"${topic}","region":"${region}","topicId":"${topicId}","partition":${partition},"epoch":${epoch}`;
}

/** Names are checked before they get here (`checkTopic`, the topology): none needs escaping. */
const headText = (chunk: Chunk): string => `{"type":"messages",${originText(chunk)},"records":[`;

function messagesFrame(chunk: Chunk, records: readonly ShownRecord[], next: number): ChunkFrame {
  const text = `${headText(chunk)}${records.map((record) => record.text).join(',')}]}`;
  return { base: records[0]?.offset ?? next, next, messages: records.length, wire: textFrame(text) };
}

function undecodableFrame(chunk: Chunk, range: Undecodable): ChunkFrame {
  const { from, to } = range;
  const reason = JSON.stringify(range.reason.slice(0, 200));
  const text = `{"type":"undecodable",${originText(chunk)},"from":${from},"to":${to},"reason":${reason}}`;
  return { base: from, next: to, messages: 0, wire: textFrame(text) };
}

function binaryChunkFrame(chunk: Chunk): ChunkFrame {
  const head = packBinary(BINARY_KINDS.batch, { ...chunk.origin, epoch: chunk.epoch }, []);
  const batches = chunk.batches.map((batch) => batch.bytes);
  const messages = batches.reduce((sum, bytes) => sum + batchRecordCount(bytes), 0);
  const wire = binaryFrame(Buffer.from(head.buffer, head.byteOffset, head.length), batches);
  return { base: chunk.base, next: chunk.next, messages, wire };
}
