import { expect, test } from 'vitest';
import { PartitionQueue } from './partition-queue.ts';
import type { PendingProduce } from './pending-produce.ts';

function produce(sequence: number, isIdempotent: boolean): PendingProduce {
  return {
    sequence,
    batches: [],
    sizeInBytes: 0,
    acks: -1,
    topicId: undefined,
    mirror: undefined,
    isIdempotent,
    isSequenced: false,
    retryUnknown: false,
    dueAt: 0,
    lastFailure: undefined,
    isBroken: false,
    settled: false,
    resolve: () => undefined,
    reject: () => undefined,
  };
}

function queueWith(...produces: PendingProduce[]): PartitionQueue {
  const queue = new PartitionQueue('cities', 0, 5);
  for (const each of produces) queue.push(each);
  return queue;
}

test('of produces that a broker would not recognise again, one leaves after the other has ended', () => {
  const queue = queueWith(produce(0, false), produce(1, false));
  const first = queue.take();
  expect(queue.peek()).toBeUndefined();
  queue.finish(first, true);
  expect(queue.peek()?.sequence).toBe(1);
});

test('idempotent produces are in flight together, up to what a broker remembers', () => {
  const queue = queueWith(...Array.from({ length: 7 }, (_, index) => produce(index, true)));
  let left = 0;
  while (queue.peek() !== undefined) {
    queue.take();
    left++;
  }
  expect(left).toBe(5);
});

test('what came back leaves in the order of the calls, one at a time, once all have come back', () => {
  const queue = queueWith(...Array.from({ length: 4 }, (_, index) => produce(index, true)));
  const [a, b, c] = [queue.take(), queue.take(), queue.take()];
  expect(queue.giveBack(c!)).toBe(false);
  expect(queue.hasEarlier(c!)).toBe(true);
  expect(queue.giveBack(a!)).toBe(false);
  expect(queue.peek()).toBeUndefined();
  expect(queue.giveBack(b!)).toBe(true);
  const order: number[] = [];
  for (let next = queue.peek(); next !== undefined; next = queue.peek()) {
    expect(queue.take()).toBe(next);
    order.push(next.sequence);
    queue.finish(next, true);
  }
  expect(order).toEqual([0, 1, 2, 3]);
  expect(queue.isIdle).toBe(true);
});
