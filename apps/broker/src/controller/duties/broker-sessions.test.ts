/** Sessions of brokers by hand-made time: who is silent for too long, and who is not though it seems so. */
import { expect, test } from 'vitest';
import { heartbeat, registration, type Scenario, scenario, uuidNumber } from '../decide/scenario.ts';
import { BrokerSessions } from './broker-sessions.ts';

const TIMEOUT_MS = 1_000;

function watching(brokerIds: readonly number[] = [1, 2, 3]) {
  const at: Scenario = scenario(brokerIds);
  const sessions = new BrokerSessions({ timeoutMs: TIMEOUT_MS, nodeId: 1 });
  const beat = (id: number, nowMs: number, rest = {}): void => sessions.heard(at.image, heartbeat(at, id, rest), nowMs);
  /** Checked as often as it asks for. */
  let checkedMs = 0;
  const expired = (nowMs: number): number[] => {
    while (nowMs - checkedMs > TIMEOUT_MS / 4) sessions.expired(at.image, (checkedMs += TIMEOUT_MS / 4));
    checkedMs = nowMs;
    return sessions.expired(at.image, nowMs).map(({ id }) => id);
  };
  expired(0);
  return { at, sessions, beat, expired };
}

test('a broker that is silent for the session timeout is to be fenced, and one that beats is not', () => {
  const { beat, expired } = watching();
  for (const atMs of [400, 800]) for (const id of [1, 2]) beat(id, atMs);
  expect(expired(999)).toEqual([]);
  expect(expired(1_000)).toEqual([3]);
});

test('of several the longest silent is the first', () => {
  const { beat, expired } = watching();
  beat(2, 300);
  beat(3, 200);
  beat(1, 900);
  expect(expired(1_300)).toEqual([3, 2]);
});

test('whoever is first seen, or was seen before the controller stood still, has a whole session', () => {
  const { sessions, at, expired } = watching();
  at.run(registration(4));
  at.run(heartbeat(at, 4));
  expect(expired(900)).toEqual([]);
  expect(sessions.expired(at.image, 5_000)).toEqual([]);
  expect(expired(5_999)).toEqual([]);
  expect(expired(6_000).sort()).toEqual([1, 2, 3, 4]);
});

test('a heartbeat of an earlier process, or of nobody who is registered, is not heard', () => {
  const { at, sessions, beat } = watching();
  const { epoch } = at.image.brokers.get(2)!;
  beat(2, 0);
  at.run({ ...registration(2), incarnationId: uuidNumber(1) });
  beat(2, 10, { brokerEpoch: epoch });
  beat(9, 10);
  expect([sessions.of(2, at.image.brokers.get(2)!.epoch), sessions.of(9, -1)]).toEqual([undefined, undefined]);
  expect(sessions.isLive(2, epoch, 999)).toBe(true);
  expect(sessions.isLive(2, epoch, 1_000)).toBe(false);
});

test('the controller’s own broker is not fenced while it is the only one', () => {
  const { expired, at } = watching([1]);
  expect(expired(3_000)).toEqual([]);
  at.run(registration(2));
  at.run(heartbeat(at, 2));
  expect(expired(3_000)).toEqual([]);
  expect(expired(4_000)).toEqual([1, 2]);
});

test('a broker that shuts down may stop once others have applied what stood in the log when it first asked in that state', () => {
  const { at, sessions, beat } = watching();
  const { epoch } = at.image.brokers.get(2)!;
  beat(2, 0, { wantShutDown: true });
  expect(sessions.of(2, epoch)?.shutdownOffset).toBeUndefined();
  at.image.brokers.set(2, { ...at.image.brokers.get(2)!, inControlledShutdown: true });
  beat(2, 10, { wantShutDown: true });
  const first = at.image.endOffset - 1;
  at.image.endOffset += 5;
  beat(2, 20, { wantShutDown: true });
  expect(sessions.of(2, epoch)?.shutdownOffset).toBe(first);
});

test('the next look is when the first session may be over, and at least four times a session', () => {
  const { sessions, beat } = watching();
  expect(sessions.nextCheckMs(0)).toBe(250);
  beat(1, 900);
  beat(2, 950);
  expect(sessions.nextCheckMs(900)).toBe(1_000);
});
