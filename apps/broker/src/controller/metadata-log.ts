/**
 * `__cluster_metadata-0`: replayed into an image when it is opened, then appended to by the controller. One voter for
 * now, so what is fsynced here is committed; with more voters the quorum takes the place of `append` and moves the
 * committed end itself.
 * Invariant: a log that holds anything this release cannot apply is refused, never skipped over.
 */
import type { Disk, Io, Logger } from '@meridian/io';
import { type Log, openLog } from '@meridian/log';
import {
  completeMetadataRecord,
  encodeMetadataRecord,
  type MetadataRecord,
  type MetadataRecordInput,
  ProtocolError,
} from '@meridian/protocol';
import { type BatchHeader, iterateBatches, RecordBatchError } from '@meridian/protocol/record-batch';
import { BrokerError } from '../errors.ts';
import { METADATA_TOPIC_ID } from '../quorum/raft-view.ts';
import { applyBatch } from './apply.ts';
import { whyUnsupportedFeature } from './features.ts';
import { CONTROLLER_LIMITS } from './limits.ts';
import { leaderChangeBatch, metadataBatch, recordsOf } from './metadata-batch.ts';
import { readSnapshot } from './metadata-snapshot.ts';
import type { MutableImage } from './mutable-image.ts';

/** The metadata log, opened and led by this node. */
export class MetadataLog {
  readonly #log: Log;
  readonly #io: Io;
  readonly #nodeId: number;
  readonly epoch: number;
  /** Whether the log ended inside a metadata transaction, which has then been left out of the image. */
  readonly transactionLeftOpen: boolean;

  /** Replays the log in `folder` into `image`. */
  constructor(options: { io: Io; log: Logger; folder: string; image: MutableImage; nodeId: number }) {
    const { io, log, folder, image } = options;
    this.#io = io;
    this.#nodeId = options.nodeId;
    this.#log = openLog({ io, folder, topicId: METADATA_TOPIC_ID, config: { fsync: false }, showsDurableOnly: true });
    const cut = this.#log.recoveredDamage;
    if (cut !== undefined) log.warn('the metadata log had a torn tail', { cut });
    const replayed = replay(io.disk, this.#log, image);
    this.transactionLeftOpen = replayed.transactionLeftOpen;
    this.epoch = Math.max(this.#log.epochs.latestEpoch, replayed.snapshotEpoch) + 1;
  }

  /** Opens the new epoch with who leads it and its first records, fsynced and applied when it resolves. */
  async begin(records: readonly MetadataRecordInput[], image: MutableImage): Promise<void> {
    const place = { baseOffset: this.#log.endOffset, leaderEpoch: this.epoch, timestamp: this.#io.clock.now() };
    this.#log.append([leaderChangeBatch(this.#nodeId, [this.#nodeId], place)], this.epoch);
    await this.append(records.length === 0 ? [] : [records.map((record) => encodeMetadataRecord(record))]);
    image.controllerId = this.#nodeId;
    applyBatch(image, records.map(completeMetadataRecord), this.#log.endOffset);
  }

  /** Appends one batch per group of encoded records; resolves when all of them are fsynced. */
  async append(groups: readonly (readonly Buffer[])[]): Promise<void> {
    const timestamp = this.#io.clock.now();
    for (const values of groups) {
      const place = { baseOffset: this.#log.endOffset, leaderEpoch: this.epoch, timestamp };
      this.#log.append([metadataBatch(values, place)], this.epoch);
    }
    await this.#log.flush();
  }

  close(clean: boolean): Promise<void> {
    return this.#log.close(clean);
  }
}

/** Applies all of the log, or the snapshot that it begins behind and what follows; tells if it ends inside a transaction. */
function replay(disk: Disk, log: Log, image: MutableImage): { transactionLeftOpen: boolean; snapshotEpoch: number } {
  const replaying: Replaying = { image, transaction: undefined };
  let snapshotEpoch = -1;
  try {
    if (log.startOffset > 0) snapshotEpoch = applySnapshot(disk, log, image);
    for (let offset = image.endOffset; offset < log.endOffset; ) {
      const read = log.read(offset, { maxBytes: CONTROLLER_LIMITS.replayReadBytes, minOneBatch: true });
      for (const buffer of read.buffers) replayBatches(replaying, buffer);
      if (read.nextOffset <= offset) break;
      offset = read.nextOffset;
    }
  } catch (error) {
    throw asRefusal(error, log.folder);
  }
  return { transactionLeftOpen: replaying.transaction !== undefined, snapshotEpoch };
}

/** Returns the snapshot's epoch. */
function applySnapshot(disk: Disk, log: Log, image: MutableImage): number {
  const { startOffset, endOffset, folder } = log;
  const snapshot = readSnapshot(disk, folder, startOffset, endOffset);
  if (snapshot === undefined) {
    const detail = `${folder} begins at offset ${startOffset}, and there is no whole snapshot of what lies below`;
    throw new BrokerError('folder-corrupt', detail);
  }
  for (const record of snapshot.records) checkFeature(record, snapshot.endOffset);
  applyBatch(image, snapshot.records, snapshot.endOffset);
  return snapshot.epoch;
}

interface Replaying {
  readonly image: MutableImage;
  /** Records of a metadata transaction that has begun and not ended. */
  transaction: MetadataRecord[] | undefined;
}

function replayBatches(replaying: Replaying, bytes: Buffer): void {
  for (const batch of iterateBatches(bytes)) {
    const records = batch.header.isControl ? [] : recordsOf(batch.bytes);
    applyBatch(replaying.image, applicable(replaying, records, batch.header), batch.header.nextOffset);
  }
}

/** The records of a batch that apply now: those of a transaction wait for its end. */
function applicable(replaying: Replaying, records: readonly MetadataRecord[], header: BatchHeader): MetadataRecord[] {
  const now: MetadataRecord[] = [];
  for (const record of records) {
    checkFeature(record, header.baseOffset);
    if (record.type === 'BeginTransactionRecord') replaying.transaction = [];
    else if (record.type === 'AbortTransactionRecord') replaying.transaction = undefined;
    else if (record.type === 'EndTransactionRecord') {
      now.push(...(replaying.transaction ?? []));
      replaying.transaction = undefined;
    } else (replaying.transaction ?? now).push(record);
  }
  return now;
}

function checkFeature(record: MetadataRecord, offset: number): void {
  if (record.type !== 'FeatureLevelRecord') return;
  const why = whyUnsupportedFeature(record.name, record.featureLevel);
  if (why !== null) throw new BrokerError('folder-newer', `batch at offset ${offset}: ${why}`);
}

const NEWER_CODES: readonly string[] = ['unknown-record-type', 'unsupported-frame-version', 'unsupported-version'];

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
