/** What a broker asks of the controller in each phase of its life, as a dialogue. */
import { ERROR } from '@meridian/protocol';
import { expect, test } from 'vitest';
import {
  createLifecycle,
  type Lifecycle,
  type LifecycleEffect,
  type LifecycleInput,
  stepLifecycle,
} from './lifecycle.ts';

const INTERVAL_MS = 2_000;
const REGISTER_UNTIL_MS = 60_000;
const EPOCH = 17;

function text(effect: LifecycleEffect): string {
  switch (effect.kind) {
    case 'arm':
      return `in ${effect.delayMs} ms`;
    case 'entered':
      return `now ${effect.phase}`;
    case 'heartbeat':
      return `heartbeat${effect.wantFence ? ', keep fenced' : ''}${effect.wantShutDown ? ', wants to stop' : ''}`;
    case 'refused':
      return `refused ${effect.errorCode}`;
    case 'register':
      return 'register';
  }
}

const BEATEN = { kind: 'beaten', errorCode: ERROR.NONE, isFenced: false, shouldShutDown: false } as const;
const FENCED = { ...BEATEN, isFenced: true } as const;
const REGISTERED = { kind: 'registered', errorCode: ERROR.NONE, brokerEpoch: EPOCH } as const;

function live() {
  const life = createLifecycle(INTERVAL_MS, REGISTER_UNTIL_MS);
  const say = (input: LifecycleInput, nowMs = 0): string => stepLifecycle(life, input, nowMs).map(text).join('; ');
  return { life, say };
}

/** A broker that serves, with nothing out. */
function running(): { life: Lifecycle; say: (input: LifecycleInput, nowMs?: number) => string } {
  const each = live();
  for (const input of [{ kind: 'ready' }, REGISTERED, BEATEN] as const) each.say(input);
  expect([each.life.phase, each.life.isAsking]).toEqual(['running', false]);
  return each;
}

test('a broker that is ready registers, sends a heartbeat at once and is unfenced by its answer', () => {
  const { life, say } = live();
  expect(say({ kind: 'start' })).toBe('register');
  expect(say({ kind: 'ready' })).toBe('');
  expect(say(REGISTERED)).toBe('now fenced; heartbeat');
  expect(life.brokerEpoch).toBe(EPOCH);
  expect(say(BEATEN)).toBe('now running; in 2000 ms');
  expect(say({ kind: 'due' })).toBe('heartbeat');
});

test('one that is not ready asks to stay fenced, but not at once, as it may be unfenced already', () => {
  const { say } = live();
  say({ kind: 'start' });
  expect(say(REGISTERED)).toBe('now fenced; in 2000 ms');
  expect(say({ kind: 'due' })).toBe('heartbeat, keep fenced');
  expect(say(FENCED)).toBe('in 2000 ms');
  expect(say({ kind: 'ready' })).toBe('heartbeat');
});

test('while its metadata has not come far enough it asks again soon, and less and less often', () => {
  const { say } = live();
  say({ kind: 'ready' });
  say(REGISTERED);
  const delays = Array.from({ length: 7 }, () => {
    const delay = say(FENCED);
    say({ kind: 'due' });
    return delay;
  });
  expect(delays).toEqual(['in 10 ms', 'in 20 ms', 'in 40 ms', 'in 80 ms', 'in 160 ms', 'in 250 ms', 'in 250 ms']);
  expect(say(BEATEN)).toBe('now running; in 2000 ms');
});

test('a registration that is refused for now, or not answered, is tried again until the time is over', () => {
  const { say } = live();
  const duplicate = { kind: 'registered', errorCode: ERROR.DUPLICATE_BROKER_REGISTRATION, brokerEpoch: -1 } as const;
  say({ kind: 'start' });
  expect(say(duplicate)).toBe('in 50 ms');
  expect(say({ kind: 'due' })).toBe('register');
  expect(say({ kind: 'failed' })).toBe('in 100 ms');
  for (const delay of [200, 400, 800, 1000, 1000]) expect(say(duplicate)).toBe(`in ${delay} ms`);
  expect(say(duplicate, REGISTER_UNTIL_MS)).toBe(`refused ${ERROR.DUPLICATE_BROKER_REGISTRATION}; now ended`);
  expect(say({ kind: 'due' })).toBe('');
});

test('without any answer the start is given up, too', () => {
  const { say } = live();
  say({ kind: 'start' });
  expect(say({ kind: 'failed' }, REGISTER_UNTIL_MS)).toBe('refused 0; now ended');
});

test.each([ERROR.INCONSISTENT_CLUSTER_ID, ERROR.UNSUPPORTED_VERSION, ERROR.INVALID_REGISTRATION])(
  'a first registration that is refused with %i is not tried again',
  (errorCode) => {
    const { say } = live();
    say({ kind: 'start' });
    expect(say({ kind: 'registered', errorCode, brokerEpoch: -1 })).toBe(`refused ${errorCode}; now ended`);
  },
);

test('a broker that was fenced because it stood still goes on with heartbeats and is unfenced again', () => {
  const { say } = running();
  expect(say({ kind: 'due' }, 30_000)).toBe('heartbeat');
  expect(say(FENCED)).toBe('now fenced; in 10 ms');
  expect(say({ kind: 'due' })).toBe('heartbeat');
  expect(say(BEATEN)).toBe('now running; in 2000 ms');
});

test.each([ERROR.STALE_BROKER_EPOCH, ERROR.BROKER_ID_NOT_REGISTERED])(
  'a heartbeat that is answered with %i makes it register again, for as long as it takes',
  (errorCode) => {
    const { life, say } = running();
    say({ kind: 'due' });
    expect(say({ ...FENCED, errorCode })).toBe('now registering; register');
    expect(say({ kind: 'failed' }, REGISTER_UNTIL_MS * 9)).toBe('in 50 ms');
    expect(say({ kind: 'due' })).toBe('register');
    expect(say({ ...REGISTERED, brokerEpoch: 99 })).toBe('now fenced; heartbeat');
    expect(life.brokerEpoch).toBe(99);
  },
);

test('heartbeats that are not answered come sooner, and news are told at once', () => {
  const { say } = running();
  expect(say({ kind: 'news' })).toBe('heartbeat');
  expect(say({ kind: 'failed' })).toBe('in 50 ms');
  expect(say({ kind: 'due' })).toBe('heartbeat');
  expect(say({ kind: 'news' })).toBe('');
  expect(say(BEATEN)).toBe('heartbeat');
  expect(say(BEATEN)).toBe('in 2000 ms');
});

test('a stop is told at once, and ends when the controller says that it may', () => {
  const { say } = running();
  expect(say({ kind: 'stop' })).toBe('now leaving; heartbeat, wants to stop');
  expect(say(BEATEN)).toBe('in 50 ms');
  expect(say({ kind: 'due' })).toBe('heartbeat, wants to stop');
  expect(say({ ...FENCED, shouldShutDown: true })).toBe('now ended');
  expect(say({ kind: 'due' })).toBe('');
});

test('a stop while a heartbeat is out follows it', () => {
  const { say } = running();
  say({ kind: 'due' });
  expect(say({ kind: 'stop' })).toBe('now leaving');
  expect(say(BEATEN)).toBe('heartbeat, wants to stop');
});

test('a stop is not held up by a cluster that has no controller, or knows the broker no more', () => {
  const { say } = running();
  say({ kind: 'stop' });
  expect(say({ kind: 'failed' })).toBe('now ended');
  const forgotten = running();
  forgotten.say({ kind: 'stop' });
  expect(forgotten.say({ ...FENCED, errorCode: ERROR.STALE_BROKER_EPOCH })).toBe('now ended');
});

test('a broker that has never been unfenced just stops', () => {
  const { say } = live();
  say({ kind: 'start' });
  expect(say({ kind: 'stop' })).toBe('now ended');
  expect(say(REGISTERED)).toBe('');
});
