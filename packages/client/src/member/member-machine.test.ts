import { ERROR } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { type MemberInput, MemberMachine } from './member-machine.ts';

const SESSION_MS = 6_000;
const BEAT_MS = 500;
const BACKOFF_MS = 50;
const BYTES = Buffer.from('mine');

/** Tells the machine's story in words: what it wants after each input. */
function story() {
  const times = { sessionTimeoutMs: SESSION_MS, heartbeatMs: BEAT_MS, backoffMs: () => BACKOFF_MS };
  const machine = new MemberMachine(times);
  const say = (input: MemberInput, nowMs: number): string =>
    machine
      .step(input, nowMs)
      .map((effect) => {
        if (effect.type === 'join') return `join as '${effect.memberId}'`;
        if (effect.type === 'sync') return `sync ${effect.generation} for ${effect.toAssign.length}`;
        if (effect.type === 'assigned') return `assigned ${effect.assignment.generation} ${effect.assignment.bytes}`;
        if (effect.type === 'lost') return `lost: ${effect.reason}`;
        return effect.type;
      })
      .join(', ');
  const joined = (generation = 1, leader = 'm1') =>
    ({
      type: 'joined',
      errorCode: ERROR.NONE,
      memberId: 'm1',
      joined: { generation, leader, members: [{ memberId: 'm1', metadata: BYTES }] },
    }) as const;
  const synced = (sentAtMs: number, errorCode: number = ERROR.NONE) => {
    return { type: 'synced', errorCode, bytes: BYTES, sentAtMs } as const;
  };
  const beaten = (sentAtMs: number, errorCode: number = ERROR.NONE) => {
    return { type: 'beaten', errorCode, sentAtMs } as const;
  };
  /** Is stable in generation 1 at 100 ms. */
  const settle = (): void => {
    say({ type: 'start' }, 0);
    say(joined(), 50);
    say(synced(60), 100);
  };
  return { machine, say, joined, synced, beaten, settle };
}

test('a member joins with the id that it is given, syncs as leader, is assigned, and beats', () => {
  const { machine, say, joined, synced, beaten } = story();
  expect(say({ type: 'start' }, 0)).toBe("join as ''");
  const required = { type: 'joined', errorCode: ERROR.MEMBER_ID_REQUIRED, memberId: 'm1' } as const;
  expect(say(required, 10)).toBe("join as 'm1'");
  expect(say(joined(), 20)).toBe('sync 1 for 1');
  expect(say(synced(25), 30)).toBe('assigned 1 mine');
  expect([machine.wakeAtMs, machine.leaseAgeMs(125)]).toEqual([530, 100]);
  expect(say({ type: 'time' }, 530)).toBe('beat');
  expect(say(beaten(530), 540)).toBe('');
  expect([machine.wakeAtMs, machine.leaseAgeMs(600)]).toEqual([1_040, 70]);
});

test('one that does not lead has nobody to assign anything to', () => {
  const { say, joined } = story();
  say({ type: 'start' }, 0);
  expect(say(joined(4, 'm0'), 10)).toBe('sync 4 for 0');
});

test('in a rebalance the old assignment is kept until the new one has come', () => {
  const { say, joined, synced, beaten, settle } = story();
  settle();
  say({ type: 'time' }, 600);
  expect(say(beaten(600, ERROR.REBALANCE_IN_PROGRESS), 610)).toBe("join as 'm1'");
  expect(say(joined(2), 1_200)).toBe('sync 2 for 1');
  expect(say(synced(1_210, ERROR.REBALANCE_IN_PROGRESS), 1_220)).toBe("join as 'm1'");
  expect(say(joined(3), 1_300)).toBe('sync 3 for 1');
  expect(say(synced(1_310), 1_320)).toBe('assigned 3 mine');
});

test('one that the coordinator does not know any more has lost its work and begins as somebody new', () => {
  const { machine, say, beaten, settle } = story();
  settle();
  say({ type: 'time' }, 600);
  expect(say(beaten(600, ERROR.UNKNOWN_MEMBER_ID), 610)).toBe('lost: heartbeat: UNKNOWN_MEMBER_ID, retry');
  expect(machine.leaseAgeMs(620)).toBe(Number.POSITIVE_INFINITY);
  expect(say({ type: 'time' }, 610 + BACKOFF_MS)).toBe("join as ''");
});

test('one whose generation is over has lost its work and keeps its id', () => {
  const { say, beaten, settle } = story();
  settle();
  say({ type: 'time' }, 600);
  expect(say(beaten(600, ERROR.ILLEGAL_GENERATION), 610)).toBe('lost: heartbeat: ILLEGAL_GENERATION, retry');
  expect(say({ type: 'time' }, 660)).toBe("join as 'm1'");
});

test('heartbeats that break off are tried again, and after a session without any the work is lost', () => {
  const { machine, say, beaten, settle } = story();
  settle();
  expect(say({ type: 'time' }, 600)).toBe('beat');
  expect(say({ type: 'failed', reason: 'reset' }, 700)).toBe('forget, retry');
  expect(say({ type: 'time' }, 750)).toBe('beat');
  expect(machine.wakeAtMs).toBe(60 + SESSION_MS);
  expect(say({ type: 'time' }, 60 + SESSION_MS)).toBe(`lost: no heartbeat was answered for ${SESSION_MS} ms`);
  expect(machine.wakeAtMs).toBe(Number.POSITIVE_INFINITY);
  expect(say(beaten(750), 9_000)).toBe("join as 'm1'");
});

test('a coordinator that has moved is found again, and a join that fails is tried again', () => {
  const { say } = story();
  say({ type: 'start' }, 0);
  expect(say({ type: 'joined', errorCode: ERROR.NOT_COORDINATOR, memberId: '' }, 10)).toBe('forget, retry');
  expect(say({ type: 'time' }, 30)).toBe('');
  expect(say({ type: 'time' }, 60)).toBe("join as ''");
  expect(say({ type: 'failed', reason: 'refused' }, 70)).toBe('forget, retry');
});

test('who asks for a new assignment while it is busy gets one afterwards', () => {
  const { say, beaten, settle } = story();
  settle();
  say({ type: 'time' }, 600);
  expect(say({ type: 'rejoin' }, 605)).toBe('');
  expect(say(beaten(600), 610)).toBe("join as 'm1'");
});

test('one that has left does nothing more', () => {
  const { machine, say, beaten, settle } = story();
  settle();
  say({ type: 'time' }, 600);
  expect(say({ type: 'leave' }, 610)).toBe('leave');
  expect(say(beaten(600), 620)).toBe('');
  expect(machine.wakeAtMs).toBe(Number.POSITIVE_INFINITY);
});
