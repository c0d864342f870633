/**
 * What one partition has under way: appends sent and not answered, how far the copy has come, and when fetching has to
 * rest. Owned by the partition's machine.
 * Invariant: an append expects the end that the one before it leaves, so what is sent is one gapless line.
 */
import type { MirrorLimits } from '../limits.ts';
import type { TaskEffect } from './messages.ts';

interface Append {
  readonly id: number;
  readonly end: number;
  readonly sizeInBytes: number;
  readonly timestampMs: number | undefined;
}

export interface Outgoing {
  readonly buffers: readonly Buffer[];
  readonly sizeInBytes: number;
  /** The copy's end behind it. */
  readonly end: number;
  /** −1, or as in the effect. */
  readonly endOffset: number;
  /** Of its first record, if there is one. */
  readonly timestampMs: number | undefined;
}

export class Flow {
  /** The copy's acknowledged end (−1: not known yet), and its end once all that is in flight has arrived. */
  position = -1;
  sentEnd = 0;
  bytes = 0;
  private readonly leastRoomBytes: number;
  private maxBytes: number;
  private appends: Append[] = [];
  private isPaused = false;
  private nextId = 1;

  constructor(limits: Pick<MirrorLimits, 'partitionInFlightBytes'>) {
    this.leastRoomBytes = this.maxBytes = limits.partitionInFlightBytes;
  }

  get isEmpty(): boolean {
    return this.appends.length === 0;
  }

  /** Of the oldest record under way; undefined: nothing is. */
  get oldestTimestampMs(): number | undefined {
    return this.appends[0]?.timestampMs;
  }

  /** The copy was found to end here. */
  found(end: number): void {
    this.position = this.sentEnd = end;
  }

  /** Fetching begins; true: it has to rest at once. */
  begin(): boolean {
    this.isPaused = this.bytes >= this.maxBytes;
    return this.isPaused;
  }

  /** While one answer is appended the next is under way: over a long way, answers are large. */
  makeRoomFor(answerBytes: number): void {
    this.maxBytes = Math.max(this.leastRoomBytes, 2 * answerBytes);
  }

  send({ buffers, sizeInBytes, end, endOffset, timestampMs }: Outgoing): TaskEffect[] {
    const id = this.nextId++;
    const expectedEnd = this.sentEnd;
    this.sentEnd = end;
    this.appends.push({ id, end, sizeInBytes, timestampMs });
    this.bytes += sizeInBytes;
    const append: TaskEffect = { type: 'append', id, buffers, sizeInBytes, expectedEnd, endOffset };
    if (this.isPaused || this.bytes < this.maxBytes) return [append];
    this.isPaused = true;
    return [append, { type: 'pause' }];
  }

  /** Answered: it is in the copy. False: it is not known. */
  arrived(id: number): boolean {
    const append = this.take(id);
    if (append !== undefined) this.position = Math.max(this.position, append.end);
    return append !== undefined;
  }

  /** Answered: it is not in the copy. */
  refused(id: number): boolean {
    return this.take(id) !== undefined;
  }

  /** Whether fetching goes on; once. */
  goesOn(): boolean {
    if (!this.isPaused || this.bytes * 2 > this.maxBytes) return false;
    this.isPaused = false;
    return true;
  }

  private take(id: number): Append | undefined {
    const index = this.appends.findIndex((each) => each.id === id);
    if (index < 0) return undefined;
    const [append] = this.appends.splice(index, 1);
    this.bytes -= append!.sizeInBytes;
    return append;
  }
}
