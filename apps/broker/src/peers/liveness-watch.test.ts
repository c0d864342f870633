/** Which hints become proofs. */
import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { LivenessWatch } from './liveness-watch.ts';
import type { Liveness, NodeAddress } from './peers.ts';

const SELF = 1;
const addressOf = (id: number): NodeAddress => ({ host: `node-${id}`, port: 9093 });

function setUp(given: { leader?: number; brokers?: number[] }) {
  const world = createSimWorld({ seed: 1 });
  const { timers } = world.node('self').boot();
  const asked: string[] = [];
  const told: string[] = [];
  const answers: Liveness[] = [];
  let lose = (_to: NodeAddress, _purpose: string): void => {};
  const watch = new LivenessWatch({
    timers,
    nodeId: SELF,
    peers: {
      ask: async ({ host }) => {
        asked.push(`${Math.round(world.now())} ${host}`);
        return answers.shift() ?? 'alive';
      },
      onLost: (listener) => {
        lose = listener;
        return () => {};
      },
    },
    leader: () => (given.leader === undefined ? undefined : { id: given.leader, address: addressOf(given.leader) }),
    leaderGone: (id) => told.push(`leader ${id}`),
    brokers: () => new Map((given.brokers ?? []).map((id) => [id, addressOf(id)])),
    brokerGone: (id) => told.push(`broker ${id}`),
  });
  const lost = (id: number, ...seen: Liveness[]): Promise<void> => {
    answers.push(...seen);
    lose(addressOf(id), 'fetch');
    return world.run(world.now() + 200);
  };
  return { world, watch, asked, told, answers, lost };
}

test('a leader whose connection is lost and whose port refuses is told at once', async () => {
  const { asked, told, lost } = setUp({ leader: 2 });
  await lost(2, 'refused');
  expect([asked, told]).toEqual([['0 node-2'], ['leader 2']]);
});

test('one that answers is left alone, and one that is silent is asked a few times and left to the timeouts', async () => {
  const { asked, told, lost } = setUp({ leader: 2 });
  await lost(2, 'alive');
  expect(asked).toHaveLength(1);
  await lost(2, 'silent', 'silent', 'silent', 'silent', 'refused');
  expect(asked.slice(1)).toEqual(['200 node-2', '225 node-2', '250 node-2', '275 node-2']);
  expect(told).toEqual([]);
});

test('a port that closes a little after its connections is found refusing', async () => {
  const { told, lost } = setUp({ leader: 2 });
  await lost(2, 'silent', 'refused');
  expect(told).toEqual(['leader 2']);
});

test('a connection to somebody else is no hint', async () => {
  const { asked, lost } = setUp({ leader: 2 });
  await lost(3, 'refused');
  expect(asked).toEqual([]);
});

test('on the active controller the end of a broker’s heartbeats, or of a connection to it, is a hint', async () => {
  const { world, watch, told, answers, lost } = setUp({ brokers: [1, 2, 3] });
  for (const id of [2, 3, 3]) watch.brokerConnected(id);
  answers.push('refused');
  watch.brokerDisconnected(2);
  await world.run(world.now() + 200);
  await lost(1, 'refused');
  expect(told).toEqual(['broker 2']);
});

test('a broker that still holds a connection to the controller lives, though its port refuses', async () => {
  const { world, watch, told, answers, lost } = setUp({ brokers: [1, 3] });
  for (const id of [3, 3]) watch.brokerConnected(id);
  await lost(3, 'refused');
  answers.push('refused');
  watch.brokerDisconnected(3);
  await world.run(world.now() + 200);
  expect(told).toEqual([]);
  const asked = lost(3, 'silent', 'refused');
  watch.brokerDisconnected(3);
  await asked;
  expect(told).toEqual(['broker 3']);
});

test('a broker that died before its heartbeats reached this controller is found by the sweep', async () => {
  const { world, watch, asked, told, answers } = setUp({ brokers: [1, 2, 3] });
  watch.brokerConnected(2);
  answers.push('refused');
  watch.sweep();
  await world.run(100);
  expect([asked, told]).toEqual([['0 node-3'], ['broker 3']]);
  answers.push('refused');
  await world.run(600);
  expect(told).toEqual(['broker 3', 'broker 3']);
});

test('a closed watch asks nobody any more', async () => {
  const { world, watch, asked, lost } = setUp({ leader: 2, brokers: [3] });
  const asking = lost(2, 'silent', 'refused');
  watch.close();
  await asking;
  await world.run(5_000);
  expect(asked).toEqual(['0 node-2']);
});
