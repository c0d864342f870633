/**
 * The one doorway to the world: clock, timers, randomness, disk and network as interfaces, with a real
 * twin (`@meridian/io/real`) and a simulated one (`@meridian/io/sim`). Every process shell is handed an
 * `Io`; nobody else touches `node:fs`, `node:net`, timers, `Date.now` or `Math.random`.
 * Invariant: code that runs on one twin runs on the other, and on the simulated one the same seed gives
 * the same run.
 */

export { IO_ERRORS, IoError, type IoErrorCode } from './errors.ts';
export { type Logger, silentLogger } from './logger.ts';

/** Everything a process may ask of the world. */
export interface Io {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly disk: Disk;
  readonly net: Net;
  readonly memory: Memory;
  readonly zstd: Zstd;
}

export interface Clock {
  /** Wall clock in whole milliseconds since the Unix epoch; may jump. */
  now(): number;
  /** Milliseconds since some fixed point, fractional, never going back. For durations and deadlines. */
  monotonic(): number;
}

export interface Timers {
  /** Runs `run` once, never before `delayMs` (≥ 0) have passed on the monotonic clock, and not in this turn. */
  after(delayMs: number, run: () => void): Timer;
  /** Runs `run` once when the current turn of the event loop has been worked off (groups what arrives together). */
  defer(run: () => void): void;
  /** Resolves after `delayMs`, or at once when `signal` aborts (it never rejects). */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

export interface Timer {
  cancel(): void;
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** `size` random bytes; from the operating system on the real twin, from the seed on the simulated one. */
  bytes(size: number): Buffer;
}

/**
 * Files. Calls that only reach the page cache are synchronous (an asynchronous `fs.write` of 200 B costs 11 µs, a
 * synchronous one 0.6 µs); what may wait for the device, `sync` and `readAsync`, is a promise. Failures are `IoError`.
 */
export interface Disk {
  /** `r` must exist; `r+` reads and writes, must exist; `w+` creates or truncates, `a+` creates or keeps. */
  open(path: string, mode: 'r' | 'r+' | 'w+' | 'a+'): DiskFile;
  exists(path: string): boolean;
  /** Names (not paths) in a folder, sorted. */
  list(path: string): string[];
  /** Creates the folder and its parents. */
  makeFolder(path: string): void;
  /** Replaces a file at `to`. */
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** Removes the folder with all that is in it. */
  removeFolder(path: string): void;
  /** Size in bytes and last modification in ms since the epoch. */
  stat(path: string): { size: number; modifiedMs: number; isFolder: boolean };
  readFile(path: string): Buffer;
  /** Writes a temporary twin, fsyncs it, renames it over `path` and fsyncs the folder: old or new content, never half. */
  replaceFile(path: string, content: Uint8Array): void;
  /** Makes creations, renames and removals inside the folder durable. */
  syncFolder(path: string): void;
  /** The same of what was done before the call, without blocking. The folder may be renamed meanwhile. */
  syncFolderAsync(path: string): Promise<void>;
  /**
   * Takes an exclusive lock that ends with the process; throws `IoError` code `locked` if it is held. `path` is the
   * lock's own name in the folder that it guards, as in `<data>/.lock`; its parents must exist.
   */
  lock(path: string): { release(): void };
  /** Free bytes on the device that holds `path`. */
  freeBytes(path: string): number;
  /** Size of that device. */
  totalBytes(path: string): number;
}

export interface DiskFile {
  readonly path: string;
  size(): number;
  /** Writes all buffers one after another at `position`; all, or an `IoError` (`no-space`, `io`) after some or none. */
  writev(buffers: readonly Uint8Array[], position: number): void;
  /** Reads up to `length` bytes into `target` at `offset`; returns the bytes read, less only at the file's end. */
  read(target: Uint8Array, offset: number, length: number, position: number): number;
  readAsync(target: Uint8Array, offset: number, length: number, position: number): Promise<number>;
  truncate(size: number): void;
  /**
   * fsync: resolves when everything written before the call is durable. Once it failed, nothing is known of what was
   * written, and a later success proves nothing about it: give the file up. A new file's name needs `syncFolder` too.
   */
  sync(): Promise<void>;
  /** The same, blocking; for start-up, checkpoints and the metadata log. */
  syncNow(): void;
  close(): void;
}

/**
 * Memory for frames and batches that is used again, so that no collector has to look for it: at full load hundreds of
 * megabytes a second. Whoever keeps bytes beyond the turn in which they were handed to it holds them, and releases them
 * once when it lets go; bytes that nobody holds at the end of a turn are given to the next who asks. To forget a hold is
 * safe: that memory is left to the collector. To release one twice is a bug and throws.
 * `hold` and `release` take any slice of the memory, and do nothing for bytes that came from elsewhere.
 */
export interface Memory {
  /** Buffers smaller than this are not worth it: `take` makes them as anybody would. */
  readonly leastBytes: number;
  /** `size` bytes of any content, held by nobody. */
  take(size: number): Buffer;
  hold(bytes: Uint8Array): void;
  release(bytes: Uint8Array): void;
}

/** Zstandard frames, made and read beside the event loop: bytes that are handed in must not change until the answer. */
export interface Zstd {
  /** One frame of all of `bytes`; with another level it is smaller, or made faster. */
  compress(bytes: Uint8Array, level: number): Promise<Buffer>;
  /** Of frames and nothing else. Rejects with `IoError`: `corrupt`, or `too-large` where more than `maxBytes` would come. */
  decompress(bytes: Uint8Array, maxBytes: number): Promise<Buffer>;
}

/** TCP. */
export interface Net {
  /** Port 0 picks a free one. Rejects with `IoError` (`address-in-use`, …). */
  listen(options: { host: string; port: number }, onConnection: (connection: Connection) => void): Promise<Listener>;
  /** Resolves when connected, with `tls` when that stands too; rejects with `IoError` (`refused`, `timeout`, `unreachable`, `tls`). */
  connect(options: ConnectOptions): Promise<Connection>;
}

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Absent: plain TCP. */
  readonly tls?: TlsOptions;
}

/** TLS 1.2 and later, as the client. Certificates and keys are PEM text. */
export interface TlsOptions {
  /** Who is believed to certify brokers; absent: whom Node believes. */
  readonly ca?: string;
  /** Our own certificate (chain) and its key, where the other side wants to know us. */
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
  /** Whom the certificate must name, instead of the host that is connected to. */
  readonly servername?: string;
  /** Whether the certificate must name the host; one that nobody trusts is refused either way. */
  readonly verifyHost: boolean;
}

export interface Listener {
  readonly port: number;
  /** Stops accepting; open connections stay. */
  close(): Promise<void>;
}

/** A TCP byte stream. Handlers are set by assignment, once, synchronously after the connection is handed over. */
export interface Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Bytes as they arrive; the chunk is the receiver's until it returns, then others are received into it. */
  onData: (chunk: Buffer) => void;
  /** The peer ended, the stream broke, or `destroy` was called: exactly once, nothing follows it. */
  onClose: (error: Error | undefined) => void;
  /** `bufferedBytes` has fallen to zero after it had been above the high-water mark. */
  onDrain: () => void;
  /**
   * Queues bytes; the buffers must not change until they are sent. False: above the high-water mark. `onTaken` is called
   * later, once the kernel has taken all of them, or never if the connection breaks before.
   */
  write(buffers: readonly Uint8Array[], onTaken?: () => void): boolean;
  /** Bytes queued and not yet handed to the kernel. */
  readonly bufferedBytes: number;
  /** Stops reading (back-pressure towards the peer) and goes on. */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then closes. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}
