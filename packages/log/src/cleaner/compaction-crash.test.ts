/** A crash at every single step that compaction does on the disk, and what recovery makes of it. */
import { type Disk, type DiskFile, type Io, IoError } from '@meridian/io';
import { createSimWorld, type SimNode, type SimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { appendRandom, type CompactionModel, checkCleaned, checkModel, createModel } from './compaction-model.ts';
import { FOLDER, openKeyed, policy, recordsIn, seal } from './test-log.ts';

const STEPS = new Set<string | symbol>(['rename', 'remove', 'syncFolder', 'writev', 'sync', 'truncate']);

/** An `Io` whose disk counts what changes it, once armed, and crashes instead of the step with the number. */
function crashingIo(io: Io, crash: () => void): { io: Io; arm(step: number): void; steps(): number } {
  let done = 0;
  let last = Number.POSITIVE_INFINITY;
  const watch = <T extends Disk | DiskFile>(target: T): T =>
    new Proxy(target, {
      get(_, name) {
        const member = Reflect.get(target, name) as unknown;
        if (typeof member !== 'function') return member;
        return (...given: unknown[]) => {
          if (STEPS.has(name) && ++done > last) {
            crash();
            throw new IoError('closed', String(name));
          }
          const result: unknown = Reflect.apply(member, target, given);
          return name === 'open' ? watch(result as DiskFile) : result;
        };
      },
    });
  const arm = (step: number): void => {
    done = 0;
    last = step;
  };
  return { io: { ...io, disk: watch(io.disk) }, arm, steps: () => done };
}

/** Two hundred by hand; a crash image each, and more than fifty steps a seed. */
const SEEDS = 1;

interface Scene {
  readonly world: SimWorld;
  readonly node: SimNode;
  readonly model: CompactionModel;
}

/** Runs a compaction that crashes before its `step`-th change; false if it has fewer. */
async function crashAt(seed: number, step: number, isPowerLoss: boolean): Promise<Scene | undefined> {
  const world = createSimWorld({ seed });
  const node = world.node('broker');
  const model = createModel();
  const { io, arm, steps } = crashingIo(node.boot(), () => (isPowerLoss ? node.powerLoss() : node.kill()));
  const log = openKeyed(io);
  for (let count = 0; count < 12; count++) appendRandom(world, log, model, 4);
  await seal(world, log);
  arm(step);
  let isDone = false;
  const end = () => {
    isDone = true;
  };
  log.compaction.run(policy({ deleteRetentionMs: 1_000_000 })).then(end, end);
  await world.runUntil(() => isDone || !node.alive, world.now() + 1000);
  return steps() <= step ? undefined : { world, node, model };
}

async function checkRecovery({ world, node, model }: Scene): Promise<void> {
  const log = openKeyed(node.boot());
  expect(log.recoveredDamage).toBeUndefined();
  checkModel(log, model, 0, 1);
  const found = recordsIn(log);
  const io = node.boot();
  const again = openKeyed(io);
  expect(recordsIn(again), 'recovering twice changes nothing').toEqual(found);
  expect(io.disk.list(FOLDER).filter((name) => /cleaned|swap|deleted/.test(name))).toEqual([]);
  const { cleanedEnd } = await world.settle(again.compaction.run(policy({ deleteRetentionMs: 1_000_000 })));
  expect(cleanedEnd).toBeGreaterThan(0);
  checkModel(again, model, 0, 1);
  checkCleaned(again, cleanedEnd);
}

test.each([
  ['death of the process', false],
  ['loss of power', true],
] as const)('a %s at any step leaves all old segments or the new one', async (_, isPowerLoss) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    for (let step = 0; ; step++) {
      const scene = await crashAt(seed, step, isPowerLoss);
      if (scene === undefined) {
        expect(step).toBeGreaterThan(15);
        break;
      }
      await checkRecovery(scene).catch((error: Error) => {
        error.message = `seed ${seed}, step ${step}: ${error.message}`;
        throw error;
      });
    }
  }
});
