/** What counts as a held event loop. */
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { watchLoop } from './loop-watch.ts';

/** A world in which every look comes `lateMs` late, having burned `burnedMs` of CPU. */
async function heldIn(lateMs: number, burnedMs: number): Promise<unknown[]> {
  const world = createSimWorld({ seed: 1 });
  const io = world.node('process').boot();
  const told: unknown[] = [];
  let spentMs = 0;
  const timers = { ...io.timers, after: (delayMs: number, run: () => void) => io.timers.after(delayMs + lateMs, run) };
  const log = { ...silentLogger, warn: (_message: string, fields?: Record<string, unknown>) => void told.push(fields) };
  watchLoop({ timers, clock: io.clock }, log, () => (spentMs += burnedMs));
  await world.run(1_000);
  return told;
}

test('a turn that burns CPU for long is told, with how long it was', async () => {
  const [held] = await heldIn(250, 270);
  expect(held).toEqual({ heldMs: 250, lateMs: 250 });
});

test('a look that comes late because others had the machine is not', async () => {
  expect(await heldIn(2_000, 30)).toEqual([]);
});

test('much work in short turns is not', async () => {
  expect(await heldIn(5, 25)).toEqual([]);
});
