/** What a leader keeps of those that fetch from it is bounded, and what a follower is told is looked at first. */
import { expect, test } from 'vitest';
import { MACHINE_LIMITS } from './limits.ts';
import type { FetchedBatch, FetchRequest, FetchResponse, QuorumEffect } from './messages.ts';
import { type Leader, nextDeadlineMs, type Quorum } from './state.ts';
import { step } from './step.ts';
import { directoryFor, Scene } from './testing/scene.ts';

function leading(): { scene: Scene; quorum: Quorum } {
  const scene = new Scene([1]);
  scene.wake(1);
  return { scene, quorum: scene.node(1).quorum };
}

const fetchOf = (id: number, more: Partial<FetchRequest> = {}): FetchRequest => ({
  ...{ api: 'Fetch', replica: { id, directoryId: directoryFor(1) }, epoch: 1, fetchOffset: 1, lastFetchedEpoch: 1 },
  ...{ highWatermark: 1, maxWaitMs: 500 },
  ...more,
});

const kindsOf = (effects: readonly QuorumEffect[]): string[] => effects.map(({ kind }) => kind);

test('one fetch more than may wait is answered at once', () => {
  const { scene, quorum } = leading();
  const ask = (id: number) => step(quorum, { kind: 'request', from: id, request: fetchOf(id) }, scene.nowMs);
  for (let id = 10; id < 10 + MACHINE_LIMITS.waitingFetches; id++) expect(ask(id)).toEqual([]);
  expect(kindsOf(ask(9))).toEqual(['answerFetch']);
});

test('observers that went are forgotten when there are too many', () => {
  const { quorum } = leading();
  const ask = (id: number, nowMs: number) =>
    step(quorum, { kind: 'request', from: id, request: fetchOf(id, { maxWaitMs: 0 }) }, nowMs);
  const { replicas } = quorum.role as Leader;
  for (let id = 10; id < 20 + MACHINE_LIMITS.observers; id++) ask(id, 0);
  expect(replicas.observers()).toHaveLength(MACHINE_LIMITS.observers);
  ask(9, MACHINE_LIMITS.observerSessionMs + 1);
  expect(replicas.observers().map(({ key }) => key.id)).toEqual([9]);
});

/** A follower with offset 0 committed; what it does when its leader answers its fetch so. */
function answered(more: Partial<FetchResponse>): { quorum: Quorum; effects: QuorumEffect[] } {
  let turns = 0;
  const scene = new Scene([1, 2, 3], { random: (id) => ((id + turns++) % 10) / 10 });
  const nodes = [...scene.nodes.values()];
  const following = () =>
    nodes.find(({ quorum: { role, fetching, log } }) => {
      return role.kind === 'follower' && role.hasFetched && fetching !== undefined && log.endOffset > 0;
    });
  const soonest = () => nodes.toSorted((a, b) => nextDeadlineMs(a.quorum) - nextDeadlineMs(b.quorum))[0]!;
  for (let count = 0; following()?.quorum.highWatermark !== 1; count++) {
    if (count > 1_000) throw new Error('nobody follows');
    const message = scene.bag.shift();
    if (message === undefined) scene.wake(soonest().id);
    else scene.deliver(message);
  }
  const { quorum } = following()!;
  const request = quorum.fetching as FetchRequest;
  const { epoch, leaderId } = quorum;
  const response = { api: 'Fetch', error: 'NONE', epoch, leaderId, highWatermark: 1, batches: [], ...more } as const;
  return { quorum, effects: step(quorum, { kind: 'response', from: leaderId, request, response }, scene.nowMs) };
}

const batch = (baseOffset: number, nextOffset: number, epoch: number): FetchedBatch => ({
  ...{ baseOffset, nextOffset, epoch },
  bytes: new Uint8Array(0),
});

test.each([
  ['begins behind the end', [batch(2, 3, 1)]],
  ['has a hole', [batch(1, 2, 1), batch(3, 4, 1)]],
  ['ends before it begins', [batch(1, 1, 1)]],
  ['is of a later epoch than the leader', [batch(1, 2, 99)]],
  ['goes back to an earlier epoch', [batch(1, 2, 0)]],
])('nothing is taken of an answer that %s, and the leader is asked again later', (_, batches) => {
  const { quorum, effects } = answered({ batches, highWatermark: 9 });
  expect(kindsOf(effects)).toEqual(['distrusted']);
  expect([quorum.log.endOffset, quorum.highWatermark, quorum.fetching]).toEqual([1, 1, undefined]);
  expect(quorum.fetchNotBeforeMs).toBeGreaterThan(0);
});

test('what is committed is not cut off, whatever a leader says', () => {
  const { quorum, effects } = answered({ diverging: { offset: 0, epoch: 0 } });
  expect(kindsOf(effects)).toEqual(['distrusted']);
  expect(quorum.log.endOffset).toBe(1);
});
