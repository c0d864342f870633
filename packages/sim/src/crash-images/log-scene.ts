/**
 * A log dir in use, on a simulated disk, and images of it at random moments of its write sequence: appends, fsyncs, rolls,
 * cuts, retention, compaction, checkpoints, deleted and re-created topics, clean stops, crashes and the recoveries after
 * them. Called by `crash-images.ts`; what an image must contain is in its `Expected`s.
 * Invariant: one seed is one scene, image by image.
 */
import type { Io, Random } from '@meridian/io';
import {
  below,
  chance,
  createSeededRandom,
  createSimWorld,
  type DiskImage,
  type SimNode,
  type SimWorld,
} from '@meridian/io/sim';
import { type Log, type LogDir, openLogDir, readCleanerCheckpoint, writeCleanerCheckpoint } from '@meridian/log';
import { checkServed } from './check-served.ts';
import { LIMITS } from './limits.ts';
import { DATA, folderOf, openPartition, type SceneConfig } from './open-partition.ts';
import { type Expected, type PartitionKind, PartitionModel } from './partition-model.ts';
import { randomBatch } from './random-batch.ts';

/** A moment of the scene, just before something changes on the disk. */
export interface Moment {
  readonly disk: DiskImage;
  readonly partitions: readonly Expected[];
  /** Syncs have been lying for some time. */
  readonly lied: boolean;
}

export interface Scene {
  readonly config: SceneConfig;
  readonly moments: readonly Moment[];
}

const KINDS: readonly PartitionKind[] = [
  { topic: 'plain', isCompacted: false, isMirrored: false },
  { topic: 'copy', isCompacted: false, isMirrored: true },
  { topic: '__consumer_offsets', isCompacted: true, isMirrored: false },
  { topic: 'passing', isCompacted: false, isMirrored: false },
];

export async function playScene(seed: number): Promise<Scene> {
  const player = new Player(seed);
  const lives = 1 + below(player.random, LIMITS.lives);
  for (let life = 1; life <= lives; life++) await player.live(life === lives);
  return { config: player.config, moments: player.moments };
}

class Player {
  readonly moments: Moment[] = [];
  readonly config: SceneConfig;
  readonly random: Random;
  private readonly world: SimWorld;
  private readonly node: SimNode;
  /** Draws of its own decide which moments are kept. */
  private readonly choice: Random;
  private changes = 0;
  private readonly willLie: boolean;
  private lied = false;
  private models: PartitionModel[];
  private topics = 0;
  private io!: Io;
  private dir!: LogDir;

  constructor(seed: number) {
    this.world = createSimWorld({ seed });
    this.node = this.world.node('broker');
    this.node.setSyncLatency([0, 3]);
    this.random = createSeededRandom(seed, 'scene');
    this.choice = createSeededRandom(seed, 'moments');
    this.config = {
      segmentBytes: 500 + below(this.random, 4_000),
      indexIntervalBytes: below(this.random, 400),
      fsync: chance(this.random, 0.5),
      fileDeleteDelayMs: 1 + below(this.random, 100),
    };
    this.willLie = chance(this.random, 1 / 6);
    this.models = KINDS.map((kind) => new PartitionModel(kind, this.newTopicId()));
    this.node.onDiskChange = () => this.maybeKeep();
  }

  async live(isLast: boolean): Promise<void> {
    this.start();
    const [least, most] = LIMITS.stepsPerLife;
    const steps = least + below(this.random, most - least);
    const lieFrom = isLast && this.willLie ? below(this.random, steps) : steps;
    for (let step = 0; step < steps; step++) {
      if (step === lieFrom) {
        this.lied = true;
        this.node.setSyncsLie(true);
      }
      await this.step();
    }
    if (!isLast) await this.end();
  }

  /** Each change is as likely to be among the moments as any other. */
  private maybeKeep(): void {
    const index = this.changes++;
    const place = index < LIMITS.moments ? index : below(this.choice, this.changes);
    if (place >= LIMITS.moments) return;
    const partitions = this.models.map((model) => model.expected());
    this.moments[place] = { disk: this.node.diskImage(), partitions, lied: this.lied };
  }

  private start(): void {
    this.io = this.node.boot();
    this.dir = openLogDir({ io: this.io, path: DATA });
    for (const model of this.models) this.open(model);
    for (const { topic, cleanedEnd } of readCleanerCheckpoint(this.io.disk, DATA)) {
      const log = this.models.find(({ kind }) => kind.topic === topic)?.log;
      if (log !== undefined) log.compaction.cleanedEnd = cleanedEnd;
    }
  }

  /** Opens what the last life left: it is checked as an image is, and is what the scene goes on with. */
  private open(model: PartitionModel): void {
    const expected = model.expected();
    const log = openPartition(this.io, this.dir, this.config, expected);
    checkServed(log, expected, { lost: 'unsynced', random: this.random });
    model.log = log;
    model.cutTo(log.endOffset);
    log.onProgress = () => log.committed(log.durableEnd);
  }

  private async end(): Promise<void> {
    const dice = this.random.next();
    if (dice < 0.4) {
      const logs = this.models.map(({ log }) => log!);
      await this.world.settle(Promise.all(logs.map((log) => log.close(true))));
      this.dir.close(true);
    }
    for (const model of this.models) {
      model.notePromises();
      model.lastStart = model.log?.startOffset ?? 0;
      model.log = undefined;
    }
    if (dice >= 0.2 && dice <= 0.7) return this.node.kill();
    this.node.powerLoss();
    for (const model of this.models) model.lostPower();
  }

  private async step(): Promise<void> {
    const model = this.models[below(this.random, this.models.length)]!;
    const log = model.log!;
    const dice = below(this.random, 100);
    if (dice < 58) this.append(model, log);
    else if (dice < 66) await this.world.run(this.world.now() + below(this.random, 4));
    else if (dice < 74) await this.world.settle(log.flush());
    else if (dice < 77) log.flush().catch(() => {});
    else if (dice < 80) this.cut(model, log);
    else if (dice < 83) this.moveStart(model, log);
    else if (dice < 92) await this.compact(model, log);
    else if (dice < 94) this.deleteTopic();
    else if (dice < 97) await this.world.run(this.world.now() + 61_000);
    else if (dice < 98) this.dir.checkpoint();
    else model.leaderEpoch += 1;
  }

  private append(model: PartitionModel, log: Log): void {
    for (let count = 1 + below(this.random, 4); count > 0; count--) {
      if (model.kind.isMirrored && chance(this.random, 0.1)) model.originEpoch += 1;
      const batch = randomBatch(this.random, model);
      if (model.kind.isMirrored) log.appendMirrored([batch], model.leaderEpoch);
      else log.append([batch], model.leaderEpoch);
    }
  }

  private cut(model: PartitionModel, log: Log): void {
    if (model.kind.isCompacted || log.endOffset === log.startOffset) return;
    const offset = log.startOffset + below(this.random, log.endOffset - log.startOffset);
    model.cutWith(offset, () => log.truncateTo(offset));
  }

  private moveStart(model: PartitionModel, log: Log): void {
    if (model.kind.isCompacted) return;
    if (chance(this.random, 0.5)) {
      model.movingStartTo = log.startOffset + below(this.random, log.endOffset - log.startOffset + 1);
      log.advanceStart(model.movingStartTo);
    } else {
      model.movingStartTo = log.endOffset;
      const retentionBytes = below(this.random, 2 * log.sizeInBytes + 1);
      const nowMs = this.io.clock.now();
      log.applyRetention({ nowMs, retentionMs: -1, retentionBytes, maxOffset: log.durableEnd });
    }
    model.movingStartTo = -1;
  }

  /** Waited for, or on its way while other things happen. */
  private async compact(model: PartitionModel, log: Log): Promise<void> {
    if (!model.kind.isCompacted || log.compaction.isRunning) return;
    const deleteRetentionMs = chance(this.random, 0.5) ? 0 : 1e12;
    const ages = { minCompactionLagMs: 0, maxCompactionLagMs: Number.POSITIVE_INFINITY, deleteRetentionMs };
    const maxOffset = log.lastStableOffset(log.durableEnd);
    const policy = { nowMs: this.io.clock.now(), maxOffset, sliceBytes: 1_000, ...ages };
    const { disk } = this.io;
    const done = log.compaction.run(policy).then(({ isComplete, cleanedEnd }) => {
      if (isComplete && model.log === log)
        writeCleanerCheckpoint(disk, DATA, [{ topic: model.kind.topic, partition: 0, cleanedEnd }]);
    });
    done.catch(() => {}); // the life may end before
    if (chance(this.random, 0.7)) await this.world.settle(done);
    else await this.world.run(this.world.now() + below(this.random, 3));
  }

  /** By rename, as the broker does, and made anew under its name at once; the old files leave later. */
  private deleteTopic(): void {
    const at = this.models.length - 1;
    const old = this.models[at]!;
    const log = old.log!;
    old.mayBeGone = true;
    const gone = `${DATA}/${old.kind.topic}-0.${old.topicId.replaceAll('-', '')}-delete`;
    this.io.disk.rename(folderOf(old.kind.topic), gone);
    this.io.disk.syncFolder(DATA);
    this.dir.forget(old.kind.topic, 0);
    const { io } = this;
    log.close(false).then(() => io.timers.after(this.config.fileDeleteDelayMs, () => io.disk.removeFolder(gone)));
    const model = new PartitionModel(old.kind, this.newTopicId());
    for (const [offset, all] of old.ever) model.ever.set(offset, [...all]);
    this.models = this.models.with(at, model);
    this.open(model);
  }

  private newTopicId(): string {
    return `00000000-0000-4000-8000-${String(++this.topics).padStart(12, '0')}`;
  }
}
