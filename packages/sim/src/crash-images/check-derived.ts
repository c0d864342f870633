/**
 * What a log knows besides its batches, held against a log that is rebuilt from the batches alone: leader epochs, producers,
 * aborted transactions, the last stable offset, lookups by time. Called for every image that is served whole.
 */
import type { Io } from '@meridian/io';
import { type Log, type MarksStore, openLog } from '@meridian/log';
import { BATCH_HEADER_BYTES, batchLastOffset } from '@meridian/protocol/record-batch';
import { Violation } from './check-served.ts';
import type { SceneConfig } from './open-partition.ts';

const LOG_FILE = /^\d{20}\.log$/;

export interface DerivedOptions {
  readonly config: SceneConfig;
  /** The disk kept what it promised, and the log was walked when it was opened. */
  readonly isHonest: boolean;
  /** Compaction has left some out. */
  readonly hasGaps: boolean;
}

export function checkDerived(io: Io, log: Log, { config, isHonest, hasGaps }: DerivedOptions): void {
  if (isHonest) checkIndexes(io, log.folder);
  const folder = `/rebuilt${log.folder}`;
  io.disk.makeFolder(folder);
  for (const name of io.disk.list(log.folder)) {
    if (!LOG_FILE.test(name)) continue;
    io.disk.open(`${folder}/${name}`, 'w+').writev([io.disk.readFile(`${log.folder}/${name}`)], 0);
  }
  const rebuilt = openLog({ io, folder, config: { ...config, fsync: false }, marks: knownToEnd(log) });
  const begins = firstOffsetOf(io, folder);
  for (const each of [log, rebuilt]) each.committed(log.endOffset);
  if (rebuilt.endOffset !== log.endOffset)
    throw new Violation(`rebuilt, it ends at ${rebuilt.endOffset}, not ${log.endOffset}`);
  checkEpochs(log, rebuilt, hasGaps);
  checkProducers(log, rebuilt, { begins, hasGaps });
  checkTransactions(log, rebuilt, { begins, hasGaps });
  checkTimes(log, rebuilt);
  rebuilt.close(false);
}

/** Every segment but the last has its indexes, and each entry leads to the batch that it names. */
function checkIndexes(io: Io, folder: string): void {
  const bases = io.disk.list(folder).filter((name) => LOG_FILE.test(name));
  for (const name of bases.slice(0, -1)) {
    const path = `${folder}/${name.slice(0, 20)}`;
    const batches = io.disk.readFile(`${path}.log`);
    if (!io.disk.exists(`${path}.index`) || !io.disk.exists(`${path}.timeindex`)) {
      throw new Violation(`${name} has no indexes`);
    }
    const index = io.disk.readFile(`${path}.index`);
    for (let at = 0; at < index.length; at += 8) {
      const [offset, position] = [index.readInt32BE(at) + Number(name.slice(0, 20)), index.readInt32BE(at + 4)];
      const leads = position + BATCH_HEADER_BYTES <= batches.length && batchLastOffset(batches, position) === offset;
      if (!leads) throw new Violation(`the index of ${name} leads astray: ${offset} at ${position}`);
    }
  }
}

/** Gaps are compaction's, and nothing else is believed. */
function knownToEnd(log: Log): MarksStore {
  const { endOffset: recoveryPoint, startOffset } = log;
  return {
    wasClean: false,
    read: () => ({ recoveryPoint, startOffset }),
    write() {},
    savedHighWatermark: 0,
    noteHighWatermark() {},
    flush() {},
  };
}

function firstOffsetOf(io: Io, folder: string): number {
  return Number(
    io.disk
      .list(folder)
      .find((name) => LOG_FILE.test(name))
      ?.slice(0, 20) ?? 0,
  );
}

/** What retention or compaction removed, the log may still know; what is there, it must. */
function checkEpochs(log: Log, rebuilt: Log, hasGaps: boolean): void {
  const known = new Map(log.epochs.entries.map(({ epoch, startOffset }) => [epoch, startOffset]));
  for (const [index, { epoch, startOffset }] of rebuilt.epochs.entries.entries()) {
    const start = known.get(epoch);
    if (start === undefined || (index > 0 && start > startOffset)) {
      throw new Violation(`epoch ${epoch} begins at ${startOffset}, but the log says ${start}`);
    }
  }
  const beyond = log.epochs.entries.find(({ startOffset }) => startOffset > 0 && startOffset >= log.endOffset);
  if (beyond !== undefined)
    throw new Violation(`epoch ${beyond.epoch} begins at ${beyond.startOffset}, behind the end`);
  if (rebuilt.epochs.latestEpoch > log.epochs.latestEpoch) throw new Violation('the latest epoch is not known');
  for (const { epoch } of log.epochs.entries) {
    if (epoch > rebuilt.epochs.latestEpoch && rebuilt.startOffset < rebuilt.endOffset && !hasGaps) {
      throw new Violation(`epoch ${epoch} is in no batch`);
    }
  }
}

interface Extent {
  /** First offset of the files. */
  readonly begins: number;
  readonly hasGaps: boolean;
}

function checkProducers(log: Log, rebuilt: Log, { begins, hasGaps }: Extent): void {
  const known = new Map([...log.producers.active()].map((producer) => [producer.producerId, producer]));
  for (const producer of rebuilt.producers.active()) {
    const { producerId } = producer;
    const found = known.get(producerId);
    known.delete(producerId);
    const isSame =
      found !== undefined &&
      found.producerEpoch === producer.producerEpoch &&
      (found.lastTimestamp === producer.lastTimestamp || hasGaps) &&
      (producer.lastDataOffset < 0 ||
        (found.lastSequence === producer.lastSequence && found.lastDataOffset === producer.lastDataOffset));
    if (!isSame)
      throw new Violation(`producer ${producerId}: ${JSON.stringify(found)}, not ${JSON.stringify(producer)}`);
  }
  // A compaction may have dropped its last batch for a newer one, which the crash took; a snapshot knows of it still.
  if (hasGaps) return;
  for (const { producerId, lastDataOffset } of known.values()) {
    if (lastDataOffset >= begins) throw new Violation(`producer ${producerId} wrote nothing at ${lastDataOffset}`);
  }
}

function checkTransactions(log: Log, rebuilt: Log, { begins, hasGaps }: Extent): void {
  // The log may know of a beginning that retention has removed; then the rebuilt one takes a later batch for it.
  const list = (each: Log): string[] =>
    each
      .abortedTransactions(log.startOffset, log.endOffset)
      .map(({ producerId, firstOffset }) => (begins === 0 ? `${producerId} from ${firstOffset}` : `${producerId}`));
  const [found, wanted] = [list(log).join(), list(rebuilt).join()];
  const isRight = begins === 0 ? found === wanted : list(rebuilt).every((each) => list(log).includes(each));
  if (!isRight && !hasGaps) throw new Violation(`aborted: ${found}, rebuilt: ${wanted}`);
  const stable = log.lastStableOffset(log.endOffset);
  const isKnown = begins === 0 && !hasGaps;
  if (isKnown && stable !== rebuilt.lastStableOffset(log.endOffset))
    throw new Violation(`the last stable offset is ${stable}`);
}

function checkTimes(log: Log, rebuilt: Log): void {
  for (const timestamp of [
    0,
    1_000 + log.startOffset * 10,
    1_000 + Math.floor((log.startOffset + log.endOffset) / 2) * 10,
  ]) {
    const [found, wanted] = [log.offsetForTimestamp(timestamp), rebuilt.offsetForTimestamp(timestamp)];
    if (found?.offset !== wanted?.offset)
      throw new Violation(`${timestamp} is at ${found?.offset}, not ${wanted?.offset}`);
  }
}
