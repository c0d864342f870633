/** Who may see which memory when: turns are counted by hand here. */
import { expect, test } from 'vitest';
import { MEMORY_IDLE_BYTES, MEMORY_LARGEST_BYTES } from './limits.ts';
import { createMemory } from './memory.ts';

const POISON = 0xdb;

function create(leastBytes = 1) {
  const deferred: (() => void)[] = [];
  const memory = createMemory({ timers: { defer: (run) => void deferred.push(run) }, leastBytes, poison: POISON });
  const endTurn = (): void => {
    for (const run of deferred.splice(0)) run();
  };
  return { memory, endTurn };
}

test('bytes that nobody holds stay as they are until the turn ends, then serve the next', () => {
  const { memory, endTurn } = create();
  const bytes = memory.take(100).fill(1);
  expect(memory.take(100).buffer).not.toBe(bytes.buffer);
  expect(bytes.every((byte) => byte === 1)).toBe(true);
  endTurn();
  expect(bytes.every((byte) => byte === POISON)).toBe(true);
  expect([memory.take(100).buffer, memory.take(100).buffer]).toContain(bytes.buffer);
});

test('every holder has to let go, by whatever slice; the last one ends it with its turn', () => {
  const { memory, endTurn } = create();
  const bytes = memory.take(100).fill(1);
  memory.hold(bytes);
  memory.hold(bytes.subarray(50));
  endTurn();
  memory.release(bytes.subarray(0, 1));
  endTurn();
  expect(bytes[0]).toBe(1);
  memory.release(bytes);
  expect(bytes[0]).toBe(1);
  endTurn();
  expect(bytes[0]).toBe(POISON);
});

test('who sees bytes in the turn in which the last one lets go may still hold them', () => {
  const { memory, endTurn } = create();
  const bytes = memory.take(100).fill(1);
  memory.hold(bytes);
  endTurn();
  memory.release(bytes);
  memory.hold(bytes);
  endTurn();
  memory.release(bytes);
  memory.hold(bytes);
  memory.release(bytes);
  memory.hold(bytes);
  endTurn();
  expect(bytes[0]).toBe(1);
});

test('a release too many and a hold too late are bugs', () => {
  const { memory, endTurn } = create();
  const bytes = memory.take(100);
  expect(() => memory.release(bytes)).toThrow('nobody holds');
  endTurn();
  expect(() => memory.hold(bytes)).toThrow('free already');
});

test('memory of others is not counted, and neither is what is too small or too large', () => {
  const { memory, endTurn } = create(50);
  for (const bytes of [Buffer.alloc(100), memory.take(49), memory.take(MEMORY_LARGEST_BYTES + 1), Buffer.from('abc')]) {
    const first = bytes[0];
    memory.release(bytes);
    memory.hold(bytes);
    endTurn();
    expect(bytes[0]).toBe(first);
  }
});

test('what it asks for is a quarter larger at most, and what it keeps is bounded', () => {
  const { memory, endTurn } = create();
  for (let size = 1; size < MEMORY_LARGEST_BYTES; size = Math.ceil(size * 1.07)) {
    const { byteLength } = memory.take(size).buffer;
    expect(byteLength).toBeGreaterThanOrEqual(size);
    expect(byteLength).toBeLessThanOrEqual(Math.max(size * 1.25, size + 1));
  }
  const many = Array.from({ length: 2 * (MEMORY_IDLE_BYTES / 1_048_576) }, () => memory.take(1_048_576));
  endTurn();
  const known = new Set(many.map(({ buffer }) => buffer));
  const again = many.map(() => memory.take(1_048_576)).filter(({ buffer }) => known.has(buffer));
  expect(again.length).toBeGreaterThan(0);
  expect(again.length * 1_048_576).toBeLessThanOrEqual(MEMORY_IDLE_BYTES);
});
