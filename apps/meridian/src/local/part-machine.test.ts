import { expect, test } from 'vitest';
import { newPart, type Part, type PartInput, stepPart } from './part-machine.ts';

/** Applies the inputs one after another and returns the last effects as short text. */
function run(part: Part, ...inputs: [PartInput, number][]): string[] {
  let told: string[] = [];
  for (const [input, now] of inputs) {
    told = stepPart(part, input, now).map((effect) => {
      if (effect.type === 'signal') return effect.signal;
      if (effect.type === 'arm') return `arm ${effect.delayMs}`;
      return effect.type === 'tell' ? effect.message : effect.type;
    });
  }
  return told;
}

const EXITED = { type: 'exited', how: 'code 1' } as const;
const running = (): Part => {
  const part = newPart();
  run(part, [{ type: 'start' }, 0], [{ type: 'ready' }, 10]);
  return part;
};

test('a part that dies before it was ever ready has failed', () => {
  const part = newPart();
  expect(run(part, [{ type: 'start' }, 0])).toEqual(['spawn', 'arm 20000']);
  expect(run(part, [EXITED, 5])).toEqual(['disarm', 'did not start (code 1)']);
  expect(part.state).toBe('failed');
});

test('a part that dies later is started again, slower with each death in a row', () => {
  const part = running();
  const waits = [20, 200, 500, 1_000].map((now) => run(part, [EXITED, now], [{ type: 'time' }, now])[0] && part.deaths);
  expect(waits).toEqual([1, 2, 3, 4]);
  expect(run(part, [EXITED, 2_000])).toEqual(['died (code 1), is started again in 1600 ms', 'arm 1600']);
});

test('the waits have a bound', () => {
  const part = running();
  for (let n = 0; n < 40; n += 1) run(part, [EXITED, n], [{ type: 'time' }, n]);
  expect(run(part, [EXITED, 50])[1]).toBe('arm 10000');
});

test('after a healthy run the first wait is short again', () => {
  const part = running();
  for (let n = 0; n < 10; n += 1) run(part, [EXITED, n], [{ type: 'time' }, n]);
  run(part, [{ type: 'ready' }, 100]);
  expect(run(part, [EXITED, 40_000])[1]).toBe('arm 100');
});

test('a part that does not become ready in time is killed', () => {
  const part = newPart();
  expect(run(part, [{ type: 'start' }, 0], [{ type: 'time' }, 20_000])[1]).toBe('SIGKILL');
});

test('stop is a SIGTERM, then a SIGKILL, and no restart', () => {
  const part = running();
  expect(run(part, [{ type: 'stop' }, 20])).toEqual(['SIGTERM', 'arm 30000']);
  expect(run(part, [{ type: 'time' }, 9_020])[1]).toBe('SIGKILL');
  expect(run(part, [EXITED, 9_030])).toEqual(['disarm']);
  expect(part.state).toBe('stopped');
});

test('a part that waits for its restart is stopped at once', () => {
  const part = running();
  run(part, [EXITED, 20], [{ type: 'stop' }, 30]);
  expect(part.state).toBe('stopped');
  expect(run(part, [{ type: 'time' }, 40])).toEqual([]);
});
