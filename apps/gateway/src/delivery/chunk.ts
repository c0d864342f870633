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
import { type BatchInfo, isUndecodable, showBatches, type Undecodable } from './shown-records.ts';
import { binaryFrame, textFrame, textFrameOf, type WireFrame } from './wire-frame.ts';

/** Where the records of a feed come from, as frames say it. */
export interface FeedOrigin {
  /** The topic as its tenant calls it. */
  topic: string;
  region: string;
  topicId: string;
  partition: number;
}

/** One frame of a chunk and the offsets it accounts for: `base` is its first record, `next` where the next one begins. */
export interface ChunkFrame {
  base: number;
  next: number;
  messages: number;
  wire: WireFrame;
}

/** What smaller frames are cut from. */
interface JsonRun {
  readonly head: Buffer;
  readonly body: Buffer;
  readonly offsets: readonly number[];
  readonly ends: readonly number[];
}

interface JsonFrame extends ChunkFrame {
  run: JsonRun | undefined;
}

const CONTROL_BIT = 0x20;
const TAIL = Buffer.from(']}');

export class Chunk {
  readonly origin: FeedOrigin;
  readonly epoch: number;
  readonly from: number;
  readonly next: number;
  readonly batches: readonly BatchInfo[];
  /** Bytes of the batches. */
  readonly sizeInBytes: number;
  /** Set: the chunk is a bad batch, and has none that could be shown. */
  readonly undecodable: Undecodable | undefined;
  private json: JsonFrame[] | undefined;
  private binary: ChunkFrame[] | undefined;

  constructor(
    origin: FeedOrigin,
    epoch: number,
    from: number,
    next: number,
    batches: readonly BatchInfo[],
    undecodable?: Undecodable,
  ) {
    this.origin = origin;
    this.epoch = epoch;
    this.from = from;
    this.next = next;
    this.batches = batches;
    this.undecodable = undecodable;
    this.sizeInBytes = batches.reduce((sum, batch) => sum + batch.bytes.length, 0);
  }

  /** First offset that lies in a batch; `next` if there is none. */
  get base(): number {
    return this.batches[0]?.baseOffset ?? this.next;
  }

  jsonFrames(): readonly JsonFrame[] {
    return (this.json ??= framesOf(this));
  }

  binaryFrames(): readonly ChunkFrame[] {
    if (this.undecodable !== undefined) return this.jsonFrames();
    return (this.binary ??= this.batches.length === 0 ? [] : [binaryChunkFrame(this)]);
  }

  /** A frame of one subscriber's own: from `offset` on, at most `maxMessages` and, beyond the first record, `maxBytes`. */
  privateFrame(offset: number, maxMessages: number, maxBytes: number): ChunkFrame | undefined {
    const frame = this.jsonFrames().find(({ next }) => next > offset);
    return frame?.run === undefined ? frame : cutFrame(this, frame, frame.run, offset, maxMessages, maxBytes);
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

/** A batch that not even raw delivery can carry. Its epoch is unknown: its header is not to be believed. */
export function undecodableChunk(origin: FeedOrigin, from: number, range: Undecodable): Chunk {
  return new Chunk(origin, -1, from, range.to, [], range);
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

/** Whether offsets from `from` on have neither records nor a marker: the origin's log may have lost them. */
export function hasHole(from: number, buffers: readonly Buffer[]): boolean {
  let next = from;
  for (const { bytes, baseOffset, nextOffset } of batchesIn(buffers)) {
    if (nextOffset <= next) continue;
    const isEmpty = batchRecordCount(bytes) === 0 && (batchAttributes(bytes) & CONTROL_BIT) === 0;
    if (baseOffset > next || isEmpty) return true;
    next = nextOffset;
  }
  return false;
}

const hasNoRecords = (bytes: Buffer): boolean =>
  (batchAttributes(bytes) & CONTROL_BIT) !== 0 || batchRecordCount(bytes) === 0;

function framesOf(chunk: Chunk): JsonFrame[] {
  if (chunk.undecodable !== undefined) return [undecodableFrame(chunk, chunk.undecodable)];
  const head = Buffer.from(`{"type":"messages",${originText(chunk)},"records":[`);
  const frames: JsonFrame[] = [];
  for (const shown of showBatches(chunk.batches, chunk.next)) {
    if (isUndecodable(shown)) {
      frames.push(undecodableFrame(chunk, shown));
      continue;
    }
    const { body, offsets, ends, next } = shown;
    const wire = textFrameOf([head, body, TAIL]);
    const bodyAt = wire.payload().subarray(head.length, head.length + body.length);
    const base = offsets[0] ?? next;
    frames.push({ base, next, messages: offsets.length, wire, run: { head, body: bodyAt, offsets, ends } });
  }
  return frames;
}

/** Some of a frame's records as a frame of their own; undefined if all of them lie below `offset`. */
function cutFrame(
  chunk: Chunk,
  frame: JsonFrame,
  { head, body, offsets, ends }: JsonRun,
  offset: number,
  maxMessages: number,
  maxBytes: number,
): ChunkFrame | undefined {
  const first = offsets.findIndex((one) => one >= offset);
  if (first < 0) return undefined;
  const start = first === 0 ? 0 : (ends[first - 1] as number) + 1;
  const bytesTo = (index: number): number => head.length + (ends[index] as number) - start + TAIL.length;
  let last = first;
  while (last + 1 < offsets.length && last + 1 - first < maxMessages && bytesTo(last + 1) <= maxBytes) last++;
  const wire = textFrameOf([head, body.subarray(start, ends[last]), TAIL]);
  const next = offsets[last + 1] ?? frame.next;
  return { base: offsets[first] ?? chunk.next, next, messages: last - first + 1, wire };
}

/** Names are checked before they get here (`checkTopic`, the topology): none needs escaping. */
function originText({ origin, epoch }: Chunk): string {
  const { topic, region, topicId, partition } = origin;
  return `"topic":"${topic}","region":"${region}","topicId":"${topicId}","partition":${partition},"epoch":${epoch}`;
}

function undecodableFrame(chunk: Chunk, range: Undecodable): JsonFrame {
  const { from, to } = range;
  const reason = JSON.stringify(range.reason.slice(0, 200));
  const text = `{"type":"undecodable",${originText(chunk)},"from":${from},"to":${to},"reason":${reason}}`;
  return { base: from, next: to, messages: 0, wire: textFrame(text), run: undefined };
}

function binaryChunkFrame(chunk: Chunk): ChunkFrame {
  const head = packBinary(BINARY_KINDS.batch, { ...chunk.origin, epoch: chunk.epoch }, []);
  const batches = chunk.batches.map((batch) => batch.bytes);
  const messages = batches.reduce((sum, bytes) => sum + batchRecordCount(bytes), 0);
  const wire = binaryFrame(Buffer.from(head.buffer, head.byteOffset, head.length), batches);
  return { base: chunk.base, next: chunk.next, messages, wire };
}
