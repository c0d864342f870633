/**
 * Cuts a byte stream into frames that a 4-byte length precedes. Every connection has one. Chunks are the caller's again
 * when `push` returns, so what comes is copied once: small frames that lie within a chunk together, others as they
 * come into memory of their own (only what came first of a large one moves again).
 * Invariant: a length is checked before anything is allocated for it, what is allocated grows with what has really come,
 * and after an error the splitter takes no more bytes.
 */
import { ProtocolError } from './errors.ts';
import { DEFAULT_MAX_FRAME_BYTES, FRAME_FIRST_CHUNK_BYTES, MAX_COPIED_TOGETHER_BYTES } from './limits.ts';

export interface FrameSplitterOptions {
  /** Longest frame in bytes, without its length prefix. */
  readonly maxFrameBytes?: number;
  /** Called once per frame, in order, with the frame without its length prefix. It may call `stop`, not `push`. */
  readonly onFrame: (frame: Buffer) => void;
  /** Where frames of this API may lie, if not in memory that the collector takes care of. */
  readonly memoryFor?: (apiKey: number) => FrameMemory | undefined;
}

/** Memory that is used again, as of `@meridian/io`. A frame that lies in it is held once, for whoever it is handed to. */
export interface FrameMemory {
  readonly leastBytes: number;
  take(size: number): Buffer;
  hold(bytes: Buffer): void;
  release(bytes: Buffer): void;
}

export interface FrameSplitter {
  /** Takes the next bytes of the stream; throws ProtocolError `frame-too-large`. */
  push(chunk: Buffer): void;
  /** Drops what is buffered; nothing is handed out any more. */
  stop(): void;
  /** Bytes held for a frame that is not complete yet. */
  readonly heldBytes: number;
  /** Memory set aside for it: all of its length as soon as a first part has come. */
  readonly reservedBytes: number;
  /** Its announced length, −1 while that is not known. */
  readonly pendingLength: number;
  /** What has come of it, for a look at its header. */
  readonly pendingBytes: Buffer;
}

const PREFIX_BYTES = 4;
const API_KEY_BYTES = 2;
const NOTHING = Buffer.alloc(0);

export function createFrameSplitter(options: FrameSplitterOptions): FrameSplitter {
  return new StreamFrameSplitter(options);
}

class StreamFrameSplitter implements FrameSplitter {
  private readonly maxFrameBytes: number;
  private readonly onFrame: (frame: Buffer) => void;
  private readonly memoryFor: ((apiKey: number) => FrameMemory | undefined) | undefined;
  private stopped = false;
  /** Bytes of a length prefix that came in pieces: how many, and their value so far. */
  private prefixBytes = 0;
  private prefix = 0;
  /** Length of the frame being collected, −1 between frames; what has come of it. */
  private length = -1;
  private filled = 0;
  private partial: Buffer | undefined;
  /** Where `partial` and what follows it come from; undefined for the collector's memory. */
  private memory: FrameMemory | undefined;
  /** A copy of the chunk's bytes from `copiedFrom` on: whole frames. */
  private copied: Buffer = NOTHING;
  private copiedFrom = 0;

  constructor({ maxFrameBytes, onFrame, memoryFor }: FrameSplitterOptions) {
    this.maxFrameBytes = maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES;
    this.onFrame = onFrame;
    this.memoryFor = memoryFor;
  }

  get heldBytes(): number {
    return this.prefixBytes + this.filled;
  }

  get reservedBytes(): number {
    return this.partial === undefined ? 0 : this.partial.length;
  }

  get pendingLength(): number {
    return this.length;
  }

  get pendingBytes(): Buffer {
    return this.partial === undefined ? NOTHING : this.partial.subarray(0, this.filled);
  }

  push(chunk: Buffer): void {
    let at = 0;
    this.copied = NOTHING;
    while (at < chunk.length && !this.stopped) {
      at = this.length < 0 ? this.readPrefix(chunk, at) : this.collect(chunk, at);
      if (this.length >= 0 && this.partial === undefined && !this.stopped) at = this.begin(chunk, at);
    }
    this.copied = NOTHING;
  }

  stop(): void {
    this.stopped = true;
    if (this.partial !== undefined) this.memory?.release(this.partial);
    this.partial = undefined;
    this.filled = this.prefixBytes = 0;
  }

  private readPrefix(chunk: Buffer, at: number): number {
    while (at < chunk.length && this.prefixBytes < PREFIX_BYTES) {
      this.prefix = (this.prefix << 8) | chunk[at++]!;
      this.prefixBytes++;
    }
    if (this.prefixBytes < PREFIX_BYTES) return at;
    if (this.prefix < 0 || this.prefix > this.maxFrameBytes) {
      const length = this.prefix;
      this.stop();
      throw new ProtocolError('frame-too-large', `${length} bytes, the limit is ${this.maxFrameBytes}`);
    }
    this.length = this.prefix;
    this.prefix = this.prefixBytes = 0;
    return at;
  }

  /** With a length known and nothing collected: hands out what is whole, or begins to collect. */
  private begin(chunk: Buffer, at: number): number {
    if (at === chunk.length && this.length > 0) return at;
    this.memory = this.memoryOf(this.length, chunk, at);
    const end = at + this.length;
    if (end <= chunk.length && this.memory === undefined) {
      if (this.copied.length === 0 || end > this.copiedFrom + this.copied.length) this.copyFrames(chunk, at);
      this.length = -1;
      this.onFrame(this.copied.subarray(at - this.copiedFrom, end - this.copiedFrom));
      return end;
    }
    // A peer that only announces a large frame must not make us allocate it: room grows with what arrives.
    this.partial = this.take(Math.min(this.length, Math.max(FRAME_FIRST_CHUNK_BYTES, (chunk.length - at) * 2)));
    return this.collect(chunk, at);
  }

  private memoryOf(length: number, chunk: Buffer, at: number): FrameMemory | undefined {
    if (this.memoryFor === undefined || length < API_KEY_BYTES || chunk.length - at < API_KEY_BYTES) return undefined;
    const memory = this.memoryFor(chunk.readInt16BE(at));
    return memory !== undefined && length >= memory.leastBytes ? memory : undefined;
  }

  /** Copies the frame at `at`, and with it small ones that follow as wholes and need no other memory. */
  private copyFrames(chunk: Buffer, at: number): void {
    let end = at + this.length;
    for (const most = Math.min(chunk.length, at + MAX_COPIED_TOGETHER_BYTES); end + PREFIX_BYTES <= most; ) {
      const length = chunk.readInt32BE(end);
      const from = end + PREFIX_BYTES;
      if (length < 0 || length > most - from || this.memoryOf(length, chunk, from) !== undefined) break;
      end = from + length;
    }
    this.copiedFrom = at;
    this.copied = Buffer.allocUnsafeSlow(end - at);
    chunk.copy(this.copied, 0, at, end);
  }

  private take(size: number): Buffer {
    if (this.memory === undefined) return Buffer.allocUnsafe(size);
    const bytes = this.memory.take(size);
    this.memory.hold(bytes);
    return bytes;
  }

  private collect(chunk: Buffer, at: number): number {
    if (this.partial === undefined) return at;
    const take = Math.min(this.length - this.filled, chunk.length - at);
    this.makeRoom(this.filled + take);
    chunk.copy(this.partial, this.filled, at, at + take);
    this.filled += take;
    if (this.filled === this.length) {
      const frame = this.partial;
      this.partial = undefined;
      this.filled = 0;
      this.length = -1;
      this.onFrame(frame);
    }
    return at + take;
  }

  private makeRoom(size: number): void {
    if (size <= this.partial!.length) return;
    // A first part has really come: now the frame is allocated in full, and nothing moves any more.
    const whole = this.take(this.length);
    this.partial!.copy(whole, 0, 0, this.filled);
    this.memory?.release(this.partial!);
    this.partial = whole;
  }
}
