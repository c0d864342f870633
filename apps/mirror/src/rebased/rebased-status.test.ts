import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../limits.ts';
import type { TaskPlace } from '../task/mirror-task.ts';
import { statusOf } from '../task/task-status.ts';
import { MODEL_MEMORY } from './model-world.ts';
import type { RebasedInput } from './rebased-messages.ts';
import { RebasedTask } from './rebased-task.ts';

const memory = MODEL_MEMORY;
const place = { topic: 'orders', copy: 'us-east.orders', partition: 0, incarnation: 1 } as TaskPlace;

function begun(): RebasedTask {
  const task = new RebasedTask(DEFAULT_LIMITS, memory);
  const found = { runs: [], lost: [], skipped: null, lastBatch: null, logStart: 0, logEnd: 1 };
  const inputs: RebasedInput[] = [
    { type: 'start' },
    { type: 'fenced', producerId: 7, producerEpoch: 0, copyEpoch: 0 },
    { type: 'loaded', ...found, sourceStart: 0, sourceEnd: 0 },
  ];
  for (const input of inputs) task.step(input, 0);
  return task;
}

const shown = (task: RebasedTask, monotonicMs: number) =>
  statusOf({ place, task, feed: () => undefined, stop: () => undefined }, { monotonicMs, wallMs: 0 }, DEFAULT_LIMITS, {
    gaps: 0,
    lost: 0,
  });

test('an open transaction at the origin holds a copy back, and is told as what it waits for', () => {
  const task = begun();
  const held: RebasedInput = {
    ...{ type: 'fetched', batches: [], nextOffset: 0, sizeInBytes: 0 },
    ...{ sourceStart: 0, sourceEnd: 5 },
  };
  task.step(held, 10);
  expect(shown(task, 20)).toMatchObject({ state: 'running', reason: null, lagRecords: 5 });
  task.step(held, 10 + DEFAULT_LIMITS.catchingUpMs);
  expect(shown(task, 20 + DEFAULT_LIMITS.catchingUpMs)).toMatchObject({
    state: 'catching-up',
    reason: expect.stringContaining('a transaction that is open at the origin'),
  });
  task.step({ ...held, nextOffset: 5 }, 30 + DEFAULT_LIMITS.catchingUpMs);
  expect(shown(task, 40 + DEFAULT_LIMITS.catchingUpMs)).toMatchObject({ state: 'running', position: 5 });
});

test('a partition that another mirror has taken over says so, and is not called healthy', () => {
  const task = begun();
  task.step({ type: 'superseded', reason: 'INVALID_PRODUCER_EPOCH' }, 0);
  expect(shown(task, 10)).toMatchObject({ state: 'retrying', reason: expect.stringContaining('taken over') });
});
