/** The way to the active controller while it moves, stops, or is this process. */
import { ClientError } from '@meridian/client';
import { IoError } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { AllocateProducerIds, type Api, BrokerHeartbeat, ERROR, type ResponseOf } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { type AnyHandler, type Handler, LATER } from '../apis/handler.ts';
import { BrokerError } from '../errors.ts';
import { NodeControllerChannel } from './node-controller-channel.ts';
import type { NodeAddress, PeerCall, Peers } from './peers.ts';

const BLOCK = { throttleTimeMs: 0, errorCode: ERROR.NONE as number, producerIdStart: 7_000, producerIdLen: 1_000 };
const MOVED = { ...BLOCK, errorCode: ERROR.NOT_CONTROLLER };

type Reply = typeof BLOCK | ClientError | 'silence';

function setUp(options: { leader?: number; replies?: Reply[]; handlers?: AnyHandler[] } = {}) {
  const world = createSimWorld({ seed: 5 });
  const io = world.node('self').boot();
  let leader = options.leader ?? 2;
  const sent: string[] = [];
  const unreachable: number[] = [];
  const replies = [...(options.replies ?? [])];
  const send = (to: NodeAddress, purpose: string, api: Api, _: unknown, { timeoutMs, signal }: PeerCall) => {
    sent.push(`${world.now()} ${api.name} to ${to.host} as ${purpose}`);
    const reply = replies.shift() ?? BLOCK;
    if (reply instanceof ClientError) return Promise.reject(reply);
    if (reply !== 'silence') return Promise.resolve({ version: 0, body: reply as unknown as ResponseOf<Api> });
    return io.timers.sleep(timeoutMs, signal).then(() => {
      throw new ClientError(signal?.aborted ? 'cancelled' : 'timeout', to.host);
    });
  };
  const channel = new NodeControllerChannel({
    io,
    peers: { send } as unknown as Peers,
    quorum: {
      self: { id: 1 },
      leader: () => ({ id: leader, epoch: 1 }),
      addressOf: (id) => ({ host: `node-${id}`, port: 9093 }),
      leaderUnreachable: (id) => unreachable.push(id),
    },
    handlerOf: (key) => options.handlers?.find(({ api }) => api.key === key),
  });
  const move = (id: number): void => {
    leader = id;
    channel.leaderChanged();
  };
  const ask = (timeoutMs = 30_000) => channel.send(AllocateProducerIds, { brokerId: 1 }, { timeoutMs });
  return { world, channel, sent, unreachable, move, ask };
}

test('a request goes to the active controller, each kind over its own connection', async () => {
  const { world, channel, sent, ask } = setUp();
  expect(await world.settle(ask())).toEqual(BLOCK);
  const heartbeat = { brokerId: 1, currentMetadataOffset: 0, wantFence: false, wantShutDown: false };
  await world.settle(channel.send(BrokerHeartbeat, heartbeat, { timeoutMs: 1_000 }));
  expect(sent).toEqual(['0 AllocateProducerIds to node-2 as controller', '0 BrokerHeartbeat to node-2 as lifecycle']);
});

test('while nobody leads a request waits, and leaves as soon as somebody does', async () => {
  const { world, sent, move, ask } = setUp({ leader: -1 });
  world.after(1_234, () => move(3));
  await world.settle(ask());
  expect(sent).toEqual(['1234 AllocateProducerIds to node-3 as controller']);
});

test('it tries again where the controller has moved, cannot be reached or does not answer', async () => {
  const refused = new ClientError('unreachable', 'node-2', { cause: new IoError('refused', 'connect') });
  const lost = new ClientError('disconnected', 'node-2');
  const { world, sent, unreachable, ask } = setUp({ replies: [MOVED, refused, lost, 'silence', BLOCK] });
  expect(await world.settle(ask())).toEqual(BLOCK);
  expect(sent).toHaveLength(5);
  expect(unreachable).toEqual([2]);
});

test('what may take long is waited for on a connection of its own', async () => {
  const { world, channel, sent } = setUp({ replies: ['silence'] });
  const call = channel.send(AllocateProducerIds, { brokerId: 1 }, { timeoutMs: 40_000, isSlow: true });
  await expect(world.settle(call)).rejects.toMatchObject({ code: 'timeout' });
  expect(sent).toEqual(['0 AllocateProducerIds to node-2 as controller, slow']);
});

test('an attempt at a node that leads no more is given up at once', async () => {
  const { world, sent, move, ask } = setUp({ replies: ['silence'] });
  world.after(500, () => move(3));
  await world.settle(ask());
  expect(sent).toEqual([
    '0 AllocateProducerIds to node-2 as controller',
    '500 AllocateProducerIds to node-3 as controller',
  ]);
});

test('what cannot be mended by waiting ends the call, and so do its time and its caller', async () => {
  const wrong = setUp({ replies: [new ClientError('authentication', 'node-2')] });
  await expect(wrong.world.settle(wrong.ask())).rejects.toMatchObject({ code: 'authentication' });
  const late = setUp({ leader: -1 });
  await expect(late.world.settle(late.ask(700))).rejects.toMatchObject({ code: 'timeout' });
  expect(late.world.now()).toBe(700);
  const { world, channel } = setUp({ replies: ['silence'] });
  const caller = new AbortController();
  world.after(300, () => caller.abort());
  const call = channel.send(AllocateProducerIds, { brokerId: 1 }, { timeoutMs: 9_000, signal: caller.signal });
  await expect(world.settle(call)).rejects.toMatchObject({ code: 'cancelled' });
  expect(world.now()).toBe(300);
});

test('where this node leads, its own handlers answer, in the form in which another node would see it', async () => {
  const seen: unknown[] = [];
  const handler: Handler<typeof AllocateProducerIds> = {
    api: AllocateProducerIds,
    handle: (request, header) => {
      seen.push(request, header.source.listener);
      queueMicrotask(() => header.answer({ errorCode: ERROR.NONE, producerIdStart: 7_000, producerIdLen: 1_000 }));
      return LATER;
    },
  };
  const { world, channel, sent, ask } = setUp({ leader: 1, handlers: [handler] });
  expect(channel.isLocal).toBe(true);
  expect(await world.settle(ask())).toEqual(BLOCK);
  expect(seen).toEqual([{ brokerId: 1, brokerEpoch: -1 }, 'internal']);
  expect(sent).toEqual([]);
});

test('when this node stops leading while it decides, the next one is asked', async () => {
  const decided: ((error: Error) => void)[] = [];
  const handler: Handler<typeof AllocateProducerIds> = {
    api: AllocateProducerIds,
    handle: () => new Promise((_, reject) => decided.push(reject)),
  };
  const { world, sent, move, ask } = setUp({ leader: 1, handlers: [handler] });
  world.after(100, () => {
    move(2);
    decided[0]!(new BrokerError('not-controller', 'node 1'));
  });
  expect(await world.settle(ask())).toEqual(BLOCK);
  expect(sent).toEqual(['100 AllocateProducerIds to node-2 as controller']);
});
