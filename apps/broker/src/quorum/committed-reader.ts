/**
 * Hands what is committed to the listener, batch after batch: the newest snapshot first, then the log up to the high
 * watermark, read from disk in bounded pieces. Used by the quorum's shell.
 *
 *     log ──read, ≤ readAheadBytes──▶ batches ──one at a time──▶ listener ──settled──▶ the next
 *
 * Invariant: the listener is never called while what it returned before is not settled, and never about the same offset
 * twice, except that a snapshot stands for everything below its end.
 */
import type { Timers } from '@meridian/io';
import { ProtocolError } from '@meridian/protocol';
import { type BatchHeader, iterateBatches, RecordBatchError } from '@meridian/protocol/record-batch';
import { recordsOf } from '../controller/metadata-batch.ts';
import { BrokerError } from '../errors.ts';
import { QUORUM_LIMITS } from './limits.ts';
import type { MetadataStore } from './metadata-store.ts';
import type { QuorumListener } from './quorum-node.ts';
import { recordsIn } from './snapshot-content.ts';

export interface ReaderOptions {
  readonly timers: Timers;
  readonly store: MetadataStore;
  readonly listener: Pick<QuorumListener, 'committed' | 'snapshot'>;
  failed(error: unknown): void;
}

export class CommittedReader {
  /** Everything below has been applied by the listener. */
  applied = 0;
  /** Bytes applied since the last snapshot. */
  bytesApplied = 0;
  readonly #options: ReaderOptions;
  #highWatermark = 0;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Committed is everything below; it may be called as often as it likes. */
  advance(highWatermark: number): void {
    this.#highWatermark = Math.max(this.#highWatermark, highWatermark);
    const { startOffset } = this.#options.store.log;
    const hasWork = this.applied < startOffset || this.applied < this.#highWatermark;
    if (hasWork && !this.#isClosed && this.#running === undefined) this.#running = this.#run();
  }

  /** Resolves when the listener is at rest; it is not called any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (!this.#isClosed) {
        const { startOffset } = this.#options.store.log;
        if (this.applied < startOffset) await this.#applySnapshot();
        else if (this.applied < this.#highWatermark) {
          const before = this.applied;
          await this.#applyNext();
          if (this.applied === before) break; // the high watermark lies inside a batch that is not here yet
          if (this.applied < this.#highWatermark)
            await new Promise<void>((resolve) => this.#options.timers.defer(resolve));
        } else break;
      }
    } catch (error) {
      this.#isClosed = true;
      this.#options.failed(asRefusal(error, this.#options.store.log.folder));
    } finally {
      this.#running = undefined;
    }
  }

  async #applySnapshot(): Promise<void> {
    const { store, listener } = this.#options;
    const [newest] = store.snapshots.list();
    if (newest === undefined || newest.offset < store.log.startOffset) {
      throw new BrokerError('folder-corrupt', `${store.log.folder} has lost the snapshot that it begins behind`);
    }
    const { offset: endOffset, epoch } = newest;
    const bytes = store.snapshots.read(newest);
    const done = listener.snapshot({ endOffset, epoch, records: { [Symbol.iterator]: () => recordsIn(bytes) } });
    if (done !== undefined) await done;
    this.applied = endOffset;
    this.bytesApplied = 0;
  }

  async #applyNext(): Promise<void> {
    const { log } = this.#options.store;
    const options = { maxBytes: QUORUM_LIMITS.readAheadBytes, maxOffset: this.#highWatermark, minOneBatch: true };
    for (const buffer of log.read(this.applied, options).buffers) {
      for (const { header, bytes } of iterateBatches(buffer)) {
        if (header.nextOffset <= this.applied) continue;
        const done = this.#hand(header, bytes);
        if (done !== undefined) await done;
        this.applied = header.nextOffset;
        this.bytesApplied += bytes.length;
        if (this.#isClosed) return;
      }
    }
  }

  #hand(header: BatchHeader, bytes: Buffer): void | Promise<void> {
    const { baseOffset, nextOffset, partitionLeaderEpoch: epoch, maxTimestamp: timestamp } = header;
    const records = header.isControl ? [] : recordsOf(bytes);
    return this.#options.listener.committed({ baseOffset, nextOffset, epoch, timestamp, records });
  }
}

const NEWER_CODES: readonly string[] = ['unknown-record-type', 'unsupported-frame-version', 'unsupported-version'];

/** A log that holds what this release cannot read is refused, never skipped over. */
function asRefusal(error: unknown, folder: string): unknown {
  if (error instanceof ProtocolError) {
    const code = NEWER_CODES.includes(error.code) ? 'folder-newer' : 'folder-corrupt';
    return new BrokerError(code, `${folder}: ${error.message}`, { cause: error });
  }
  if (error instanceof RecordBatchError) {
    return new BrokerError('folder-corrupt', `${folder}: ${error.message}`, { cause: error });
  }
  return error;
}
