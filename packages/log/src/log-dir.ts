/**
 * What a folder of many partitions remembers of them, in Kafka's files: recovery points, log starts and high watermarks
 * (one checkpoint each), and whether it was left in order (`.kafka_cleanshutdown`). One per data folder, opened before its
 * logs and closed after them. Crash-safe order:
 *
 *   start   read the mark of a clean stop → remove it, durably → open logs (their ends are trusted if it was there)
 *   run     a recovery point is written after what lies below it is durable; one that goes back, before anything is appended
 *   stop    logs flushed and closed → checkpoints → the mark, durably
 */
import { dirname } from 'node:path';
import { type Disk, type Io, IoError, type Timer } from '@meridian/io';
import { checkpointNumber, readCheckpoint, writeCheckpoint } from './checkpoint-file.ts';
import { LogError } from './errors.ts';
import { createFilePool, type FilePool } from './file-pool.ts';
import { CHECKPOINT_INTERVAL_MS, MAX_OPEN_SEGMENT_FILES, URGENT_CHECKPOINT_MS } from './limits.ts';
import type { LogMarks, MarksStore } from './log-marks.ts';

const CLEAN_FILE = '.kafka_cleanshutdown';
const FILES = {
  recoveryPoint: 'recovery-point-offset-checkpoint',
  startOffset: 'log-start-offset-checkpoint',
  highWatermark: 'replication-offset-checkpoint',
} as const;
type Mark = keyof typeof FILES;
const MARKS = Object.keys(FILES) as Mark[];

export interface LogDir {
  readonly path: string;
  /** The process before this one stopped in order: recovery is not needed. */
  readonly wasClean: boolean;
  /** The broker's epoch then; −1 if it was not in order, or not known. */
  readonly previousBrokerEpoch: number;
  /** For all logs in this folder. */
  readonly filePool: FilePool;
  /** Where the log of this partition keeps its marks; handed to `openLog`. */
  partition(topic: string, partition: number): MarksStore;
  /** The partition is gone from this folder. */
  forget(topic: string, partition: number): void;
  /** Makes the names of the partitions' folders durable; who asks while that is under way shares the next turn. */
  syncNames(): Promise<void>;
  /** Writes what has changed. */
  checkpoint(): void;
  /** Clean: writes everything and the mark, with the broker's epoch; every log has been closed. */
  close(clean: boolean, brokerEpoch?: number): void;
  /** The device is gone: nothing is written here any more. */
  abandon(): void;
  /** A checkpoint could not be written. */
  onFailure: (error: IoError) => void;
}

export function openLogDir(options: { io: Io; path: string; maxOpenFiles?: number }): LogDir {
  return new CheckpointedLogDir(options.io, options.path, options.maxOpenFiles ?? MAX_OPEN_SEGMENT_FILES);
}

interface PartitionMarks extends Record<Mark, number> {
  readonly topic: string;
  readonly partition: number;
}

class CheckpointedLogDir implements LogDir {
  readonly path: string;
  readonly wasClean: boolean;
  readonly previousBrokerEpoch: number;
  readonly filePool: FilePool;
  onFailure: (error: IoError) => void = () => {};
  private readonly io: Io;
  private readonly marks = new Map<string, PartitionMarks>();
  private readonly dirty = new Set<Mark>();
  /** Still in the files. */
  private readonly forgotten = new Set<string>();
  private timer: Timer | undefined;
  private dueMs = Number.POSITIVE_INFINITY;
  private isAbandoned = false;
  /** The sync of names that is under way, and the one that begins after it. */
  private syncing: Promise<void> = Promise.resolve();
  private nextSync: Promise<void> | undefined;

  constructor(io: Io, path: string, maxOpenFiles: number) {
    this.io = io;
    this.path = path;
    this.filePool = createFilePool(maxOpenFiles);
    makeDurably(io.disk, path);
    this.wasClean = io.disk.exists(`${path}/${CLEAN_FILE}`);
    this.previousBrokerEpoch = this.wasClean ? epochIn(io.disk.readFile(`${path}/${CLEAN_FILE}`)) : -1;
    if (this.wasClean) {
      io.disk.remove(`${path}/${CLEAN_FILE}`);
      io.disk.syncFolder(path);
    }
    for (const mark of MARKS) this.read(mark);
  }

  partition(topic: string, partition: number): MarksStore {
    // What the files say of an older one by this name must not be taken for its marks after a crash.
    if (this.forgotten.size > 0 && this.forgotten.has(keyOf(topic, partition))) this.checkpoint();
    const marks = this.marksOf(topic, partition);
    const wasClean = this.wasClean;
    return {
      wasClean,
      savedHighWatermark: marks.highWatermark,
      read: () => ({ recoveryPoint: marks.recoveryPoint, startOffset: marks.startOffset }),
      write: (changed: LogMarks) => this.note(marks, changed),
      noteHighWatermark: (offset: number) => {
        const goesBack = offset < marks.highWatermark;
        marks.highWatermark = offset;
        this.dirty.add('highWatermark');
        if (goesBack) this.checkpoint();
        else this.arm(CHECKPOINT_INTERVAL_MS);
      },
      flush: () => {
        for (const mark of ['startOffset', 'recoveryPoint'] as const) if (this.dirty.has(mark)) this.write(mark);
      },
    };
  }

  forget(topic: string, partition: number): void {
    if (!this.marks.delete(keyOf(topic, partition))) return;
    this.forgotten.add(keyOf(topic, partition));
    for (const mark of MARKS) this.dirty.add(mark);
    this.arm(URGENT_CHECKPOINT_MS);
  }

  syncNames(): Promise<void> {
    this.nextSync ??= this.syncing.then(() => {
      this.nextSync = undefined;
      const done = this.io.disk.syncFolderAsync(this.path);
      this.syncing = done.catch(() => {}); // told to those who asked
      return done;
    });
    return this.nextSync;
  }

  abandon(): void {
    this.isAbandoned = true;
    this.timer?.cancel();
  }

  checkpoint(): void {
    if (this.isAbandoned) return;
    this.timer?.cancel();
    this.timer = undefined;
    this.dueMs = Number.POSITIVE_INFINITY;
    for (const mark of [...this.dirty]) this.write(mark);
    this.forgotten.clear();
  }

  close(clean: boolean, brokerEpoch = -1): void {
    this.timer?.cancel();
    if (!clean) return;
    this.checkpoint();
    const content = JSON.stringify({ version: 0, brokerEpoch });
    this.io.disk.replaceFile(`${this.path}/${CLEAN_FILE}`, Buffer.from(content));
  }

  private note(marks: PartitionMarks, { recoveryPoint, startOffset }: LogMarks): void {
    const goesBack = recoveryPoint < marks.recoveryPoint || startOffset < marks.startOffset;
    if (recoveryPoint !== marks.recoveryPoint) this.dirty.add('recoveryPoint');
    if (startOffset !== marks.startOffset) this.dirty.add('startOffset');
    const delayMs = startOffset === marks.startOffset ? CHECKPOINT_INTERVAL_MS : URGENT_CHECKPOINT_MS;
    marks.recoveryPoint = recoveryPoint;
    marks.startOffset = startOffset;
    if (goesBack) this.checkpoint();
    else if (this.dirty.size > 0) this.arm(delayMs);
  }

  private arm(delayMs: number): void {
    if (this.isAbandoned) return;
    const dueMs = this.io.clock.monotonic() + delayMs;
    if (dueMs >= this.dueMs) return;
    this.timer?.cancel();
    this.dueMs = dueMs;
    this.timer = this.io.timers.after(delayMs, () => {
      try {
        this.checkpoint();
      } catch (error) {
        if (!(error instanceof IoError)) throw error;
        this.onFailure(error);
      }
    });
  }

  private marksOf(topic: string, partition: number): PartitionMarks {
    const key = keyOf(topic, partition);
    let marks = this.marks.get(key);
    if (marks === undefined) {
      marks = { topic, partition, recoveryPoint: 0, startOffset: 0, highWatermark: 0 };
      this.marks.set(key, marks);
    }
    return marks;
  }

  /** A file that cannot be read says nothing, as in Kafka: everything is then checked. */
  private read(mark: Mark): void {
    const path = `${this.path}/${FILES[mark]}`;
    try {
      for (const [topic = '', partition, offset] of readCheckpoint(this.io.disk, path) ?? []) {
        this.marksOf(topic, checkpointNumber(path, partition))[mark] = checkpointNumber(path, offset);
      }
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'corrupt-checkpoint') throw error;
      for (const marks of this.marks.values()) marks[mark] = 0;
    }
  }

  /** Kafka lists no partition that begins where its first segment does; zeros say as little. */
  private write(mark: Mark): void {
    const listed = [...this.marks.values()].filter((marks) => mark !== 'startOffset' || marks.startOffset > 0);
    const rows = listed.map((marks) => [marks.topic, marks.partition, marks[mark]]);
    writeCheckpoint(this.io.disk, `${this.path}/${FILES[mark]}`, rows);
    this.dirty.delete(mark);
  }
}

/** Apache Kafka's file may be of another version, and older ones were empty. */
function epochIn(content: Buffer): number {
  try {
    const { version, brokerEpoch } = JSON.parse(content.toString()) as { version?: unknown; brokerEpoch?: unknown };
    return version === 0 && Number.isSafeInteger(brokerEpoch) ? (brokerEpoch as number) : -1;
  } catch {
    return -1;
  }
}

/** Makes the folder, if it is missing, and its name durable; whoever may not look into the folder above did not make it. */
function makeDurably(disk: Disk, path: string): void {
  const above = dirname(path);
  if (!disk.exists(path)) {
    if (!disk.exists(above)) makeDurably(disk, above);
    disk.makeFolder(path);
  }
  try {
    disk.syncFolder(above);
  } catch (error) {
    if (!(error instanceof IoError) || error.code !== 'permission') throw error;
  }
}

const keyOf = (topic: string, partition: number): string => `${topic}-${partition}`;
