/**
 * The metadata log and its snapshots on this node's disk, kept in step with the machine's books by the shell alone.
 * Opened by `openMetadataStore`, which makes one whole thing of whatever a crash left.
 * Invariant: the log begins where the newest snapshot ends (at 0 without one), or can be read from there on.
 */
import type { Io, Logger } from '@meridian/io';
import { type Log, openLog } from '@meridian/log';
import { iterateBatches } from '@meridian/protocol/record-batch';
import type { FetchedBatch, LeaderBatch, LogBooksOptions, OffsetAndEpoch, VoterSet } from '@meridian/quorum';
import { BrokerError } from '../errors.ts';
import { leaderBatch, voterIdsIn } from './control-batches.ts';
import { QUORUM_LIMITS } from './limits.ts';
import { METADATA_TOPIC_ID } from './raft-view.ts';
import { snapshotBuffers } from './snapshot-content.ts';
import { SnapshotFiles } from './snapshot-files.ts';
import { votersIn } from './voters-record.ts';

/** What the machine has to know of what was found. */
export interface FoundMetadata {
  readonly books: LogBooksOptions;
  /** VotersRecords, ascending by offset; of a snapshot, at its last offset. */
  readonly recorded: readonly { readonly offset: number; readonly voters: VoterSet }[];
  /** The voters of the bootstrap checkpoint, if the log says nothing newer. */
  readonly bootstrap: VoterSet | undefined;
  /** Ids of the voters that the last leader of this log knew. */
  readonly lastVoterIds: readonly number[] | undefined;
}

export interface OpenedStore {
  readonly store: MetadataStore;
  readonly found: FoundMetadata;
}

export interface StoreOptions {
  readonly io: Io;
  readonly log: Logger;
  readonly folder: string;
  readonly nodeId: number;
  /** What a folder that has never held anything begins with; undefined: voters are configured, or unknown. */
  readonly bootstrapVoters: () => VoterSet | undefined;
}

const BOOTSTRAP: OffsetAndEpoch = { offset: 0, epoch: 0 };

/** Throws BrokerError `folder-corrupt` if the log's beginning is missing, or errors of disk and log. */
export function openMetadataStore(options: StoreOptions): OpenedStore {
  const { io, log, folder } = options;
  const opened = openLog({
    ...{ io, folder, topicId: METADATA_TOPIC_ID, showsDurableOnly: true },
    config: { fsync: true, segmentBytes: QUORUM_LIMITS.segmentBytes },
  });
  const { recoveredDamage } = opened;
  if (recoveredDamage !== undefined) log.warn('the metadata log had a torn tail', { cut: recoveredDamage });
  const files = new SnapshotFiles(io.disk, folder);
  files.removeParts();
  bootstrap(options, opened, files);
  const newest = newestWhole(files, opened, log);
  if (newest !== undefined) {
    joinTo(opened, newest.snapshot);
    files.removeBefore(newest.snapshot);
  } else if (opened.startOffset > 0) {
    const detail = `${folder} begins at offset ${opened.startOffset}, and there is no whole snapshot of what lies below`;
    throw new BrokerError('folder-corrupt', detail);
  }
  return { store: new MetadataStore(options, opened, files), found: foundIn(opened, newest) };
}

function bootstrap({ io, folder, bootstrapVoters }: StoreOptions, log: Log, files: SnapshotFiles): void {
  const isNew = log.endOffset === 0 && log.startOffset === 0 && files.list().length === 0;
  if (!isNew || io.disk.exists(`${folder}/quorum-state`)) return;
  const voters = bootstrapVoters();
  if (voters === undefined) return;
  const nowMs = io.clock.now();
  files.writeNow(BOOTSTRAP, snapshotBuffers({ epoch: 0, voters, lastTimestamp: 0, nowMs, batches: [] }));
}

interface WholeSnapshot {
  readonly snapshot: OffsetAndEpoch;
  readonly voters: VoterSet | undefined;
}

/** One that lies below the log's start does not help, nor does one of which no byte may be believed. */
function newestWhole(files: SnapshotFiles, log: Log, logger: Logger): WholeSnapshot | undefined {
  for (const snapshot of files.list()) {
    if (snapshot.offset < log.startOffset) return undefined;
    const checked = files.check(snapshot);
    if (typeof checked !== 'string') return { snapshot, voters: checked.voters };
    logger.error('a snapshot of the metadata is damaged, and not used', { path: files.pathOf(snapshot), why: checked });
  }
  return undefined;
}

/** A crash may have come between a new snapshot and the log's new start. */
function joinTo(log: Log, { offset, epoch }: OffsetAndEpoch): void {
  if (offset <= log.startOffset) return;
  const isOfThisLog = offset <= log.endOffset && log.epochs.epochAt(offset - 1) === epoch;
  if (isOfThisLog) log.advanceStart(offset);
  else log.truncateFullyAndStartAt(offset);
}

function foundIn(log: Log, newest: WholeSnapshot | undefined): FoundMetadata {
  const { startOffset, endOffset } = log;
  const { snapshot, voters } = newest ?? {};
  const { recorded, lastVoterIds } = votersFrom(log);
  const books = { startOffset, endOffset, epochs: [...log.epochs.entries], snapshot };
  const found = { books, recorded, bootstrap: undefined, lastVoterIds };
  if (snapshot === undefined || voters === undefined) return found;
  if (snapshot.offset === 0) return { ...found, bootstrap: voters };
  return { ...found, recorded: [{ offset: snapshot.offset - 1, voters }, ...recorded] };
}

function votersFrom(log: Log): Pick<FoundMetadata, 'recorded' | 'lastVoterIds'> {
  const recorded: { offset: number; voters: VoterSet }[] = [];
  let lastVoterIds: number[] | undefined;
  for (let offset = log.startOffset; offset < log.endOffset; ) {
    const read = log.read(offset, { maxBytes: QUORUM_LIMITS.scanBytes, minOneBatch: true, forTurn: true });
    for (const buffer of read.buffers) {
      for (const { header, bytes } of iterateBatches(buffer)) {
        if (!header.isControl) continue;
        const voters = votersIn(bytes);
        if (voters !== undefined) recorded.push({ offset: header.baseOffset, voters });
        lastVoterIds = voterIdsIn(bytes) ?? lastVoterIds;
      }
    }
    if (read.nextOffset <= offset) break;
    offset = read.nextOffset;
  }
  return { recorded, lastVoterIds };
}

export class MetadataStore {
  readonly log: Log;
  readonly snapshots: SnapshotFiles;
  readonly #io: Io;
  readonly #nodeId: number;

  constructor({ io, nodeId }: StoreOptions, log: Log, snapshots: SnapshotFiles) {
    this.#io = io;
    this.#nodeId = nodeId;
    this.log = log;
    this.snapshots = snapshots;
  }

  append(batch: LeaderBatch, baseOffset: number, leaderEpoch: number): void {
    const place = { baseOffset, leaderEpoch, timestamp: this.#io.clock.now() };
    this.log.append([leaderBatch(batch, this.#nodeId, place)], leaderEpoch);
  }

  /** With the epochs that they have. */
  appendFetched(batches: readonly FetchedBatch[]): void {
    this.log.append(
      batches.map(({ bytes }) => bytes as Buffer),
      undefined,
    );
  }

  /** Whole batches from `from` on, for a follower. */
  readFrom(from: number, maxBytes: number): readonly Buffer[] {
    return this.log.read(from, { maxBytes: Math.min(maxBytes, QUORUM_LIMITS.fetchBytes), minOneBatch: true }).buffers;
  }

  /** The timestamp of the batch that ends at `endOffset` in `epoch`; undefined if none does. */
  timestampBefore(endOffset: number, epoch: number): number | undefined {
    const [buffer] = this.log.read(endOffset - 1, { maxBytes: 1, minOneBatch: true, forTurn: true }).buffers;
    for (const { header } of buffer === undefined ? [] : iterateBatches(buffer)) {
      if (header.nextOffset === endOffset && header.partitionLeaderEpoch === epoch) return header.maxTimestamp;
    }
    return undefined;
  }

  /** A snapshot of ours is in place: what it stands for may go. */
  beginBehind(snapshot: OffsetAndEpoch): void {
    if (snapshot.offset > this.log.startOffset) this.log.advanceStart(snapshot.offset);
    this.snapshots.removeBefore(snapshot);
  }

  /** A downloaded one is in place of everything. */
  beginAt(snapshot: OffsetAndEpoch): void {
    this.log.truncateFullyAndStartAt(snapshot.offset);
    this.snapshots.removeBefore(snapshot);
  }
}
