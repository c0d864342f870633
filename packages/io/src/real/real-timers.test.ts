/** The end of a turn: what runs there, in which order, and who is heard in between. */
import { expect, test } from 'vitest';
import { realTimers } from './real-timers.ts';

const nextTurn = () => new Promise((done) => setTimeout(done, 5));

test('what deferred work defers follows at once, behind the promises, and only once before others are heard', async () => {
  const order: string[] = [];
  const others = setImmediate(() => {
    order.push('others 1');
    setImmediate(() => order.push('others 2'));
  });
  realTimers.defer(() => {
    order.push('write');
    Promise.resolve().then(() => order.push('promise'));
    realTimers.defer(() => {
      order.push('answer');
      realTimers.defer(() => order.push('later'));
    });
  });
  realTimers.defer(() => order.push('second write'));
  await nextTurn();
  expect(order).toEqual(['others 1', 'write', 'second write', 'promise', 'answer', 'others 2', 'later']);
  clearImmediate(others);
});

test('deferred work that throws does not keep the rest from running', async () => {
  const failures: unknown[] = [];
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.once('uncaughtException', (error) => failures.push(error.message));
  const order: string[] = [];
  realTimers.defer(() => {
    throw new Error('a bug');
  });
  realTimers.defer(() => order.push('the rest'));
  await nextTurn();
  for (const listener of listeners) process.on('uncaughtException', listener);
  realTimers.defer(() => order.push('and what comes later'));
  await nextTurn();
  expect([failures, order]).toEqual([['a bug'], ['the rest', 'and what comes later']]);
});
