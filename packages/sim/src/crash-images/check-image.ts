/**
 * Recovers one crash image and checks everything that a recovery promises, the log dir as a whole: it is served as it should
 * be, what is derived agrees with the batches, a second recovery changes nothing, appends go on and survive the next
 * crash. Called by `crash-images.ts`. Throws `Violation`, or what a log threw that it must not.
 */
import type { Disk, DiskFile, Io, Random } from '@meridian/io';
import { chance, type SimNode, type SimWorld } from '@meridian/io/sim';
import { type Log, type LogDir, LogError, openLogDir } from '@meridian/log';
import { nativeCrc32c } from '@meridian/protocol';
import {
  batchLeaderEpoch,
  batchMaxTimestamp,
  readBatchHeader,
  stampMaxTimestamp,
} from '@meridian/protocol/record-batch';
import { checkDerived } from './check-derived.ts';
import { checkServed, type Lost, Violation } from './check-served.ts';
import { filesBelow } from './image-kinds.ts';
import { DATA, folderOf, openPartition, type SceneConfig } from './open-partition.ts';
import { type Expected, PartitionModel } from './partition-model.ts';
import { randomBatch } from './random-batch.ts';

export interface ImageInput {
  readonly world: SimWorld;
  readonly node: SimNode;
  readonly config: SceneConfig;
  readonly partitions: readonly Expected[];
  readonly lost: Lost;
  readonly random: Random;
}

/** Number of partitions that were refused, as damaged. */
export async function checkImage(input: ImageInput): Promise<number> {
  const { node } = input;
  let io = node.boot();
  const wasClean = io.disk.exists(`${DATA}/.kafka_cleanshutdown`);
  const first = openAll(io, input);
  for (const { log, expected } of first) {
    const served = checkServed(log, expected, input);
    if (served !== undefined && input.lost !== 'anything') {
      const isHonest = input.lost !== 'noticed' && !wasClean;
      checkDerived(io, log, { config: input.config, isHonest, hasGaps: expected.isCompacted });
    }
  }
  const before = contentOf(io.disk);
  node.kill();
  io = node.boot();
  const writes: string[] = [];
  const again = openAll({ ...io, disk: watched(io.disk, (path) => writes.push(path)) }, input);
  // After a clean stop the first start looks at little; what it let pass is put right by the second.
  if (!wasClean) checkSame(before, contentOf(io.disk));
  if (!wasClean && writes.length > 0) throw new Violation(`the second recovery writes ${writes[0]}`);
  const refused = input.partitions.length - again.length;
  await appendMore(chance(input.random, 0.5) ? await appendTwins(again, input) : again, input);
  return refused;
}

interface Opened {
  readonly expected: Expected;
  readonly log: Log;
}

/** Those that open. */
function openAll(io: Io, { config, partitions, lost }: Pick<ImageInput, 'config' | 'partitions' | 'lost'>): Opened[] {
  const dir = openLogDir({ io, path: DATA });
  return partitions.flatMap((expected) => {
    if (expected.mayBeGone && !io.disk.exists(folderOf(expected.topic))) return [];
    const log = tryOpen(io, dir, config, expected, lost);
    return log === undefined ? [] : [{ expected, log }];
  });
}

function tryOpen(io: Io, dir: LogDir, config: SceneConfig, expected: Expected, lost: Lost): Log | undefined {
  try {
    return openPartition(io, dir, config, expected);
  } catch (error) {
    const mayRefuse = lost === 'anything' || lost === 'noticed';
    if (!(error instanceof LogError) || !mayRefuse) throw error;
    return undefined;
  }
}

/**
 * In the place of what was cut comes a batch of the same size, and the power is lost before any fsync: behind it, nothing of
 * the old tail may be there again.
 */
async function appendTwins(opened: readonly Opened[], input: ImageInput): Promise<Opened[]> {
  const { world, node, config, lost, random } = input;
  const models = opened.map(({ expected, log }) => {
    const model = PartitionModel.from(expected, log);
    const cut = expected.batches.find(({ offset }) => offset === log.endOffset);
    if (cut !== undefined && !expected.isCompacted) log.append([twinOf(model, cut.bytes)], batchLeaderEpoch(cut.bytes));
    return model;
  });
  await world.run(world.now() + 1);
  const partitions = models.map((model) => ({ ...model.expected(), mayBeGone: false }));
  node.powerLoss();
  const again = openAll(node.boot(), { config, partitions, lost });
  const mayHaveLied = lost === 'anything' || lost === 'noticed';
  for (const { log, expected } of again)
    checkServed(log, expected, { lost: mayHaveLied ? 'anything' : 'unsynced', random });
  return again;
}

/** A batch like it, at the model's end and in the model. */
function twinOf(model: PartitionModel, bytes: Buffer): Buffer {
  const twin = Buffer.from(bytes);
  stampMaxTimestamp(twin, 0, batchMaxTimestamp(twin) + 1, nativeCrc32c);
  model.add(model.end, readBatchHeader(twin).nextOffset, twin);
  return twin;
}

/** Appends to every log, some of it durably, loses the power and looks again. */
async function appendMore(opened: readonly Opened[], input: ImageInput): Promise<void> {
  const { world, node, config, random, lost } = input;
  const models = opened.map(({ expected, log }) => {
    const model = PartitionModel.from(expected, log);
    for (let count = 0; count < 3; count++) log.append([randomBatch(random, model)], log.epochs.latestEpoch + 1);
    return model;
  });
  await world.settle(Promise.all(models.map(({ log }) => log!.flush())));
  for (const model of models) model.log!.append([randomBatch(random, model)], model.log!.epochs.latestEpoch);
  await world.run(world.now() + 1);
  const next = models.map((model) => ({ ...model.expected(), mayBeGone: false }));
  const mayHaveLied = lost === 'anything' || lost === 'noticed';
  for (const [index, { log }] of models.entries()) checkAppended(log!, next[index]!, input);
  node.powerLoss();
  const io = node.boot();
  for (const { log, expected } of openAll(io, { config, partitions: next, lost })) {
    checkServed(log, expected, { lost: mayHaveLied ? 'anything' : 'unsynced', random });
  }
}

function checkAppended(log: Log, expected: Expected, { lost, random }: ImageInput): void {
  const isSuspect = lost === 'anything' || lost === 'noticed';
  checkServed(log, expected, { lost: isSuspect ? 'anything' : 'unwritten', random });
  const last = expected.batches.at(-1)!;
  const { nextOffset } = log.read(last.offset, { maxBytes: 1, minOneBatch: true });
  if (nextOffset !== last.nextOffset) throw new Violation(`what was appended at ${last.offset} is not there`);
}

function contentOf(disk: Disk): Map<string, Buffer> {
  return new Map(filesBelow(disk, DATA).map((path) => [path, disk.readFile(path)]));
}

function checkSame(before: ReadonlyMap<string, Buffer>, after: ReadonlyMap<string, Buffer>): void {
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const [one, other] = [before.get(path), after.get(path)];
    if (one === undefined || other === undefined || !one.equals(other)) {
      throw new Violation(`the second recovery changes ${path}: ${one?.length} bytes, then ${other?.length}`);
    }
  }
}

/** Tells of every change of a segment's batches. */
function watched(disk: Disk, onWrite: (path: string) => void): Disk {
  const CHANGES = new Set<string | symbol>(['writev', 'truncate']);
  const over = <T extends Disk | DiskFile>(target: T, path: string): T =>
    new Proxy(target, {
      get(_, name) {
        const member = Reflect.get(target, name) as unknown;
        if (typeof member !== 'function') return member;
        return (...given: unknown[]) => {
          if (CHANGES.has(name) && path.endsWith('.log')) onWrite(path);
          const result: unknown = Reflect.apply(member, target, given);
          return name === 'open' ? over(result as DiskFile, String(given[0])) : result;
        };
      },
    });
  return over(disk, '');
}
