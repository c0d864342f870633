/**
 * One session's subscription to a global topic: its place in every partition, its credits, and what it is sent.
 * A machine that is pulled: whoever has news (records, credits, room in the socket) calls `pump`.
 *
 *     place: offset   the next offset that the client gets
 *            reading  the next offset looked at; below `offset` while a copy is behind the client
 *            chunk    being delivered; kept until it is used up, so that a cut in it costs no second look-up
 *
 * Invariant: nothing goes out without credits in messages and bytes. JSON frames that would overdraw are replaced
 * by smaller ones of the session's own (a single record may overdraw the bytes); a raw batch may overdraw once.
 */
import type { GapReason } from '@meridian/sdk/frames';
import type { CursorPosition } from '@meridian/tenancy';
import type { LogRange } from '../broker/broker-port.ts';
import { LIMITS } from '../limits.ts';
import type { Start } from '../resume/resume.ts';
import type { Chunk, ChunkFrame } from './chunk.ts';
import type { FeedReader, PartitionFeed } from './partition-feed.ts';
import type { WireFrame } from './wire-frame.ts';

/** What a subscription needs of its session. */
export interface Outlet {
  /** Whether the socket takes more at present; when it does again, the session calls `pump`. */
  isReady(): boolean;
  sendShared(frame: WireFrame): void;
  sendGap(topic: string, place: CursorPosition, to: number, reason: GapReason): void;
  sendCursor(subscription: Subscription): void;
}

export interface SubscriptionOptions {
  topic: string;
  shape: 'json' | 'bin';
  credits: { messages: number; bytes: number };
}

export class Subscription {
  readonly topic: string;
  private readonly shape: 'json' | 'bin';
  private readonly outlet: Outlet;
  private readonly places: Place[] = [];
  /** Positions of the client in partitions that this region does not have (yet); carried along in its cursors. */
  private readonly absent: CursorPosition[] = [];
  private creditMessages: number;
  private creditBytes: number;
  private sinceCursor = 0;
  private cursorAtMs = 0;
  private nextPlace = 0;
  isOpen = false;

  constructor(options: SubscriptionOptions, outlet: Outlet) {
    this.topic = options.topic;
    this.shape = options.shape;
    this.outlet = outlet;
    this.creditMessages = options.credits.messages;
    this.creditBytes = options.credits.bytes;
  }

  /** Adds a partition; delivery begins with `open`, or at once if it is open. */
  add(feed: PartitionFeed, start: Start, logEnd: number): void {
    const place = new Place(this, feed, start);
    this.places.push(place);
    feed.join(place, logEnd);
    if (this.isOpen) this.pump();
  }

  reads(feed: PartitionFeed): boolean {
    return this.places.some((place) => place.feed === feed);
  }

  keepAbsent(position: CursorPosition): void {
    this.absent.push(position);
  }

  peekAbsent(region: string, partition: number): CursorPosition | undefined {
    return this.absent.find((one) => one.region === region && one.partition === partition);
  }

  takeAbsent(region: string, partition: number): CursorPosition | undefined {
    const found = this.peekAbsent(region, partition);
    if (found !== undefined) this.absent.splice(this.absent.indexOf(found), 1);
    return found;
  }

  /** Leaves a feed whose topic is gone; returns where the client stood, if it read it. */
  drop(feed: PartitionFeed): CursorPosition | undefined {
    const index = this.places.findIndex((place) => place.feed === feed);
    const place = this.places.splice(index, index < 0 ? 0 : 1)[0];
    place?.close();
    return place?.position();
  }

  /** `subscribed` has been sent: from here on records go out. */
  open(nowMs: number): void {
    this.isOpen = true;
    this.cursorAtMs = nowMs;
    this.pump();
  }

  addCredits(messages: number, bytes: number): void {
    this.creditMessages = Math.min(this.creditMessages + messages, LIMITS.maxCreditMessages);
    this.creditBytes = Math.min(this.creditBytes + bytes, LIMITS.maxCreditBytes);
    this.pump();
  }

  /** Sends whatever may be sent, each time beginning at another partition. */
  pump(): void {
    const count = this.places.length;
    for (let step = 0; step < count && this.maySend(); step++) {
      this.places[(this.nextPlace + step) % count]?.pump();
    }
    if (count > 0) this.nextPlace = (this.nextPlace + 1) % count;
  }

  tick(nowMs: number): void {
    if (this.sinceCursor > 0 && nowMs - this.cursorAtMs >= LIMITS.cursorEveryMs) this.outlet.sendCursor(this);
  }

  /** Everything that the client has been sent, or had before. */
  positions(): CursorPosition[] {
    return [...this.places.map((place) => place.position()), ...this.absent];
  }

  cursorSent(nowMs: number): void {
    this.sinceCursor = 0;
    this.cursorAtMs = nowMs;
  }

  close(): void {
    this.isOpen = false;
    for (const place of this.places) place.close();
    this.places.length = 0;
  }

  maySend(): boolean {
    return this.isOpen && this.creditMessages > 0 && this.creditBytes > 0 && this.outlet.isReady();
  }

  framesOf(chunk: Chunk): readonly ChunkFrame[] {
    return this.shape === 'json' ? chunk.jsonFrames() : chunk.binaryFrames();
  }

  /** The frame itself if it may go out to everybody's profit, else one of this subscriber's own. */
  fit(chunk: Chunk, frame: ChunkFrame, offset: number): ChunkFrame | undefined {
    if (this.shape === 'bin') return frame;
    const fits = frame.messages <= this.creditMessages && frame.wire.payloadBytes <= this.creditBytes;
    if (frame.messages === 0 || (fits && frame.base >= offset)) return frame;
    return chunk.privateFrame(Math.max(offset, frame.base), this.creditMessages, this.creditBytes);
  }

  send(frame: ChunkFrame): void {
    this.creditMessages -= frame.messages;
    this.creditBytes -= frame.wire.payloadBytes;
    this.sinceCursor += Math.max(1, frame.messages);
    this.outlet.sendShared(frame.wire);
    if (this.sinceCursor >= LIMITS.cursorEveryMessages) this.outlet.sendCursor(this);
  }

  sendGap(place: CursorPosition, to: number, reason: GapReason): void {
    if (!this.isOpen) return;
    this.outlet.sendGap(this.topic, place, to, reason);
    this.sinceCursor++;
  }
}

/** A subscription's place in one partition. */
class Place implements FeedReader {
  readonly feed: PartitionFeed;
  reading: number;
  private readonly owner: Subscription;
  private offset: number;
  private epoch: number;
  private chunk: Chunk | undefined;
  private isPumping = false;

  constructor(owner: Subscription, feed: PartitionFeed, start: Start) {
    this.owner = owner;
    this.feed = feed;
    this.offset = start.status.offset;
    this.reading = start.reading;
    this.epoch = start.epoch;
  }

  position(): CursorPosition {
    const { region, topicId, partition } = this.feed.origin;
    return { region, topicId, partition, epoch: this.epoch, offset: this.offset };
  }

  close(): void {
    this.chunk = undefined;
    this.feed.leave(this);
  }

  onReadable(): void {
    if (this.owner.maySend()) this.pump();
  }

  pump(): void {
    if (this.isPumping) return;
    this.isPumping = true;
    while (this.owner.maySend()) {
      this.chunk ??= this.feed.chunkAt(this.reading);
      if (this.chunk === undefined) break;
      this.noteDivergence(this.chunk);
      if (!this.deliver(this.chunk)) break;
      this.chunk = undefined;
    }
    this.isPumping = false;
  }

  /** False if credits or the socket ended before the chunk did. */
  private deliver(chunk: Chunk): boolean {
    for (const frame of this.framesLeft(chunk)) {
      while (frame.next > this.offset) {
        if (!this.owner.maySend()) return false;
        if (this.feed.lost.length > 0) this.tellLost(frame.base);
        const sent = this.owner.fit(chunk, frame, this.offset);
        if (sent === undefined) break; // only records below the client's position
        this.offset = sent.next;
        this.epoch = chunk.epoch;
        this.owner.send(sent);
      }
    }
    this.reading = chunk.next;
    if (this.feed.lost.length > 0) this.tellLost(chunk.next);
    if (chunk.next > this.offset) {
      this.offset = chunk.next;
      if (chunk.batches.length > 0) this.epoch = chunk.epoch;
    }
    return true;
  }

  /** Lost ranges between the client's place and `upTo`, where the next record is or the chunk ends. */
  private tellLost(upTo: number): void {
    for (const { start, end } of this.feed.lost) {
      const from = Math.max(start, this.offset);
      if (from >= Math.min(end, upTo)) continue;
      const to = Math.min(end, upTo);
      this.owner.sendGap({ ...this.position(), offset: from }, to, 'retention');
      this.offset = to;
    }
  }

  private framesLeft(chunk: Chunk): readonly ChunkFrame[] {
    return chunk.next > this.offset ? this.owner.framesOf(chunk) : [];
  }

  /** While a copy is behind the client: a later epoch that begins below its position means another history. */
  private noteDivergence(chunk: Chunk): void {
    if (this.reading >= this.offset || this.epoch < 0 || chunk.epoch <= this.epoch) return;
    if (chunk.base >= this.offset || chunk.base < this.reading) return;
    this.jump(chunk.base, chunk.base, this.offset, 'diverged');
  }

  onOutOfRange(range: LogRange): void {
    if (this.reading < range.start) {
      if (this.offset < range.start) this.jump(range.start, this.offset, range.start, 'retention');
      else this.reading = range.start;
    } else if (this.reading > range.end) this.rewind(range.end);
    this.chunk = undefined;
    this.onReadable();
  }

  onDiverged(offset: number): void {
    if (this.reading > offset) {
      this.chunk = undefined;
      this.rewind(offset);
    }
    this.onReadable();
  }

  /** The log ends below what was read. A copy gets the same records again; at their origin they are lost. */
  private rewind(offset: number): void {
    if (this.feed.facts.isCopy || this.offset <= offset) this.reading = offset;
    else this.jump(offset, offset, this.offset, 'diverged');
  }

  private jump(offset: number, from: number, to: number, reason: GapReason): void {
    this.offset = offset;
    this.reading = offset;
    this.epoch = -1;
    this.owner.sendGap({ ...this.position(), offset: from }, to, reason);
  }
}
