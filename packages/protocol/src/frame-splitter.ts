/**
 * Cuts a byte stream into frames that a 4-byte length precedes. Every connection has one. A frame that lies within one
 * chunk is handed out as a slice of it; one that spans chunks is copied into a buffer of its own (only what came first of
 * a large one moves again). Invariant: a length is checked before anything is allocated for it, what is allocated grows
 * with what has really come, and after an error the splitter takes no more bytes.
 */
import { ProtocolError } from './errors.ts';
import { DEFAULT_MAX_FRAME_BYTES, FRAME_FIRST_CHUNK_BYTES } from './limits.ts';

export interface FrameSplitterOptions {
  /** Longest frame in bytes, without its length prefix. */
  readonly maxFrameBytes?: number;
  /** Called once per frame, in order, with the frame without its length prefix. It may call `stop`, not `push`. */
  readonly onFrame: (frame: Buffer) => void;
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
const NOTHING = Buffer.alloc(0);

export function createFrameSplitter(options: FrameSplitterOptions): FrameSplitter {
  return new StreamFrameSplitter(options.maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES, options.onFrame);
}

class StreamFrameSplitter implements FrameSplitter {
  private readonly maxFrameBytes: number;
  private readonly onFrame: (frame: Buffer) => void;
  private stopped = false;
  /** Bytes of a length prefix that came in pieces: how many, and their value so far. */
  private prefixBytes = 0;
  private prefix = 0;
  /** Length of the frame being collected, −1 between frames; what has come of it. */
  private length = -1;
  private filled = 0;
  private partial: Buffer | undefined;

  constructor(maxFrameBytes: number, onFrame: (frame: Buffer) => void) {
    this.maxFrameBytes = maxFrameBytes;
    this.onFrame = onFrame;
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
    while (at < chunk.length && !this.stopped) {
      at = this.length < 0 ? this.readPrefix(chunk, at) : this.collect(chunk, at);
      if (this.length >= 0 && this.partial === undefined) at = this.cutWhole(chunk, at);
    }
  }

  stop(): void {
    this.stopped = true;
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

  /** With a length known and nothing collected: hands out a slice, or begins to collect. */
  private cutWhole(chunk: Buffer, at: number): number {
    const end = at + this.length;
    if (end <= chunk.length) {
      this.length = -1;
      this.onFrame(chunk.subarray(at, end));
      return end;
    }
    if (at === chunk.length) return at;
    // A peer that only announces a large frame must not make us allocate it: room grows with what arrives.
    this.partial = Buffer.allocUnsafe(
      Math.min(this.length, Math.max(FRAME_FIRST_CHUNK_BYTES, (chunk.length - at) * 2)),
    );
    return this.collect(chunk, at);
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
    const whole = Buffer.allocUnsafe(this.length);
    this.partial!.copy(whole, 0, 0, this.filled);
    this.partial = whole;
  }
}
