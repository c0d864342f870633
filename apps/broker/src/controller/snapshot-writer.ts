/**
 * Says when the image is written as a snapshot, and as which records. On every node, after each batch that was applied.
 * Invariant: a snapshot is of one moment, at the end of a batch and outside of any metadata transaction.
 */
import type { Io, Logger } from '@meridian/io';
import { encodeMetadataRecord } from '@meridian/protocol';
import type { QuorumNode } from '../quorum/quorum-node.ts';
import type { MetadataImage } from './image.ts';
import { imageRecords } from './image-records.ts';
import { CONTROLLER_LIMITS } from './limits.ts';
import type { MetadataLoader } from './metadata-loader.ts';

export interface SnapshotSettings {
  /** Kafka's `metadata.log.max.record.bytes.between.snapshots`. */
  readonly maxBytesBetween: number;
  /** Kafka's `metadata.log.max.snapshot.interval.ms`; 0: however long it takes. */
  readonly maxIntervalMs: number;
}

export interface SnapshotWriterOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly log: Logger;
  readonly quorum: Pick<QuorumNode, 'bytesSinceSnapshot' | 'writeSnapshot'>;
  readonly loader: MetadataLoader;
  readonly settings: SnapshotSettings;
}

export class SnapshotWriter {
  readonly #options: SnapshotWriterOptions;
  #isWriting = false;
  /** The newest one of this process; at first, its start. */
  #lastMs: number;
  /** One that failed is not tried again before. */
  #notBeforeMs = 0;

  constructor(options: SnapshotWriterOptions) {
    this.#options = options;
    this.#lastMs = options.io.clock.monotonic();
  }

  /** Called when a batch has been applied and everybody has followed. */
  consider(): void {
    const { io, loader } = this.#options;
    if (this.#isWriting || loader.isInTransaction || !this.#isDue()) return;
    if (io.clock.monotonic() < this.#notBeforeMs) return;
    this.#isWriting = true;
    void this.#write().finally(() => {
      this.#isWriting = false;
    });
  }

  #isDue(): boolean {
    const { io, quorum, settings } = this.#options;
    const bytes = quorum.bytesSinceSnapshot();
    if (bytes >= settings.maxBytesBetween) return true;
    const elapsedMs = io.clock.monotonic() - this.#lastMs;
    return bytes > 0 && settings.maxIntervalMs > 0 && elapsedMs >= settings.maxIntervalMs;
  }

  async #write(): Promise<void> {
    const { io, log, quorum, loader } = this.#options;
    const { appliedEnd: endOffset, appliedEpoch: epoch } = loader;
    const image = loader.image.copy();
    this.#lastMs = io.clock.monotonic();
    // The quorum has to hear that the batch was applied, before it takes a snapshot that ends with it.
    await new Promise<void>((resolve) => io.timers.defer(resolve));
    try {
      await quorum.writeSnapshot(endOffset, epoch, snapshotBatches(image));
      log.info('metadata snapshot written', { endOffset, epoch });
    } catch (error) {
      this.#notBeforeMs = io.clock.monotonic() + CONTROLLER_LIMITS.snapshotRetryMs;
      log.warn('no metadata snapshot could be written; the log goes on growing', { endOffset, error });
    }
  }
}

/** All of the image as encoded records, in batches that are small enough to be read one at a time. */
export function* snapshotBatches(image: MetadataImage): Generator<readonly Buffer[]> {
  let batch: Buffer[] = [];
  let bytes = 0;
  for (const record of imageRecords(image)) {
    const value = encodeMetadataRecord(record);
    if (batch.length > 0 && bytes + value.length > CONTROLLER_LIMITS.snapshotBatchBytes) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(value);
    bytes += value.length;
  }
  if (batch.length > 0) yield batch;
}
