/** What a node asks of another, on the simulated network. */
import { FakeBroker } from '@meridian/client/testing';
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { Fetch, ListOffsets, Metadata } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf } from '../testing/batches.ts';
import { createPeers } from './node-peers.ts';

const SECRET = 'a secret of twenty characters';
const PEER = { host: 'peer', port: 9093 };

async function setUp(secret = SECRET) {
  const world = createSimWorld({ seed: 3 });
  const peer = new FakeBroker({ ...PEER, secret: SECRET });
  const machine = world.node('peer');
  await world.settle(peer.start(machine.boot()));
  const io = world.node('self').boot();
  const peers = createPeers({ io, log: silentLogger, nodeId: 1, secret });
  const lost: string[] = [];
  peers.onLost(({ host }, purpose) => lost.push(`${host} ${purpose}`));
  const metadata = (purpose = 'control', timeoutMs = 1_000) =>
    peers.send(PEER, purpose, Metadata, { topics: [] }, { timeoutMs });
  const codeOf = (sent: Promise<unknown>): Promise<string> =>
    world.settle(
      sent.then(
        () => 'answered',
        (error) => error.code,
      ),
    );
  return { world, peer, machine, io, peers, lost, metadata, codeOf };
}

test('a request is answered in the highest version that both speak, on a connection that proved the secret', async () => {
  const { world, peer, peers, metadata } = await setUp();
  const { version, body } = await world.settle(metadata());
  expect([version, body.clusterId]).toEqual([Metadata.maxVersion, 'fake']);
  expect(peer.requests).toEqual(['SaslHandshake', 'SaslAuthenticate', 'SaslAuthenticate', 'ApiVersions', 'Metadata']);
  let asked = -1;
  const query = (given: number) => {
    asked = given;
    return { replicaId: -1, topics: [] };
  };
  await world.settle(peers.send(PEER, 'control', ListOffsets, query, { timeoutMs: 1_000 }));
  expect(asked).toBe(ListOffsets.maxVersion);
});

test('purposes have connections of their own, and calls of one purpose share one', async () => {
  const { world, peer, metadata } = await setUp();
  await world.settle(Promise.all([metadata('a'), metadata('b'), metadata('a'), metadata('b')]));
  await world.settle(metadata('a'));
  expect(peer.requests.filter((name) => name === 'SaslHandshake')).toHaveLength(2);
});

test('a wrong secret and a version that is too low are told apart', async () => {
  const { peers, codeOf } = await setUp();
  const tooHigh = peers.send(PEER, 'control', Metadata, { topics: [] }, { timeoutMs: 1_000, minVersion: 99 });
  expect(await codeOf(tooHigh)).toBe('unsupported-version');
  const stranger = await setUp('another secret than theirs');
  expect(await stranger.codeOf(stranger.metadata())).toBe('authentication');
});

test('a call to a machine that does not answer ends in time, and a later one is answered', async () => {
  const { world, metadata, codeOf } = await setUp();
  world.link('self', 'peer').set({ cut: true });
  const begunMs = world.now();
  expect(await codeOf(metadata('control', 300))).toBe('timeout');
  expect(world.now() - begunMs).toBe(300);
  world.link('self', 'peer').set({ cut: false });
  expect(await codeOf(metadata('control', 5_000))).toBe('answered');
});

test('a peer that comes back is spoken to again within the back-off', async () => {
  const { world, peer, machine, metadata, codeOf } = await setUp();
  await world.settle(metadata());
  machine.kill();
  for (let tries = 0; tries < 20; tries++) expect(await codeOf(metadata('control', 5_000))).not.toBe('answered');
  await world.settle(peer.restart(machine.boot()));
  const begunMs = world.now();
  expect(await codeOf(metadata())).toBe('answered');
  expect(world.now() - begunMs).toBeLessThan(250);
});

test('a connection that the peer ends is told, one that we give up is not', async () => {
  const { world, peer, machine, peers, metadata, codeOf, lost } = await setUp();
  await world.settle(Promise.all([metadata('a'), metadata('b')]));
  peer.intercept = () => 'drop';
  expect(await codeOf(metadata('b'))).toBe('disconnected');
  expect(lost).toEqual(['peer b']);
  machine.kill();
  await world.run(world.now() + 10);
  expect(lost).toEqual(['peer b', 'peer a']);
  peer.intercept = undefined;
  await world.settle(peer.restart(machine.boot()));
  await world.settle(metadata('a'));
  world.link('self', 'peer').set({ cut: true });
  expect(await codeOf(metadata('a', 100))).toBe('timeout');
  peers.close();
  expect(lost).toHaveLength(2);
});

test('asked whether it lives, a process answers, its port refuses once it is gone, and a cut link is silence', async () => {
  const { world, machine, peers } = await setUp();
  expect(await world.settle(peers.ask(PEER, 100))).toBe('alive');
  world.link('self', 'peer').set({ cut: true });
  const begunMs = world.now();
  expect(await world.settle(peers.ask(PEER, 100))).toBe('silent');
  expect(world.now() - begunMs).toBe(100);
  world.link('self', 'peer').set({ cut: false });
  machine.kill();
  expect(await world.settle(peers.ask(PEER, 100))).toBe('refused');
});

test('an answer that is borrowed is the caller’s for the turn, and for as long as it is held', async () => {
  const { world, peer, io, peers } = await setUp();
  const batch = batchOf(['x'.repeat(50_000)]);
  peer.createTopic('cities', 1);
  peer.partition('cities').append(batch);
  const fetch = (topicId: string) => ({
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ topic: 'cities', topicId, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1e6 }] }],
    forgottenTopicsData: [],
  });
  const { id } = peer.topics.get('cities')!;
  const records = async (holds: boolean): Promise<Buffer> => {
    const call = { timeoutMs: 1_000, borrows: true };
    const { body } = await peers.send(PEER, 'fetch', Fetch, fetch(id), call);
    const [bytes] = body.responses[0]!.partitions[0]!.records!;
    expect(bytes!.includes('x'.repeat(50_000))).toBe(true);
    if (holds) io.memory.hold(bytes!);
    return bytes!;
  };
  const held = await world.settle(records(true));
  const left = await world.settle(records(false));
  await world.run(world.now() + 10);
  expect([held.includes('xxxx'), left.includes('xxxx')]).toEqual([true, false]);
  io.memory.release(held);
});

test('after the close every call is refused', async () => {
  const { peers, metadata, codeOf, world } = await setUp();
  await world.settle(metadata());
  const waiting = metadata('other');
  peers.close();
  expect(await codeOf(waiting)).toBe('closed');
  expect(await codeOf(metadata())).toBe('closed');
});
