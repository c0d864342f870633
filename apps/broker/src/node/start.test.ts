/** A node that has no quorum yet: what it answers already, and what waits. */
import { silentLogger } from '@meridian/io';
import {
  type Api,
  ApiVersions,
  BrokerHeartbeat,
  ERROR,
  ListOffsets,
  type RequestInput,
  Vote,
} from '@meridian/protocol';
import { expect, test } from 'vitest';
import { createPeers } from '../peers/node-peers.ts';
import { TestCluster } from '../testing/test-cluster.ts';

/** One of three nodes has begun to start, and a peer can ask it. */
async function oneOfThree() {
  const cluster = new TestCluster({});
  const { world } = cluster;
  const begun = cluster.begin(1);
  await world.run(world.now() + 3_000);
  const io = world.node('peer').boot();
  const peers = createPeers({ io, log: silentLogger, nodeId: 9, secret: 'a secret of twenty characters' });
  let asked = 0;
  const ask = <A extends Api>(api: A, body: RequestInput<A>) =>
    peers.send({ host: 'node-1', port: 9093 }, `question ${asked++}`, api, body, { timeoutMs: 60_000 });
  return { cluster, world, begun, ask };
}

test('peers are answered from the first moment on, and see all that will be served', async () => {
  const { world, ask } = await oneOfThree();
  const versions = await world.settle(ask(ApiVersions, { clientSoftwareName: 'a', clientSoftwareVersion: '1' }));
  const keys = versions.body.apiKeys.map(({ apiKey }) => apiKey);
  expect([Vote.key, ListOffsets.key].filter((key) => !keys.includes(key))).toEqual([]);
});

test('a broker that asks for the controller hears that it is not here', async () => {
  const { world, ask } = await oneOfThree();
  const beat = { brokerId: 2, brokerEpoch: 1, currentMetadataOffset: 0, wantFence: false, wantShutDown: false };
  const { body } = await world.settle(ask(BrokerHeartbeat, beat));
  expect(body.errorCode).toBe(ERROR.NOT_CONTROLLER);
});

test('what needs partitions waits until they are open; clients are not let in', async () => {
  const { cluster, world, begun, ask } = await oneOfThree();
  let answered = false;
  const waiting = ask(ListOffsets, { replicaId: -1, topics: [] }).then(() => (answered = true));
  await world.run(world.now() + 2_000);
  const client = await cluster.connect(1);
  expect([answered, await client.closes(100)]).toEqual([false, true]);
  await cluster.start(2, 3);
  await world.settle(Promise.all([begun, waiting]));
  expect(answered).toBe(true);
});

test('a node that is alone of three does not serve', async () => {
  const { world, begun } = await oneOfThree();
  let serves = false;
  void begun.then(() => (serves = true));
  await world.run(world.now() + 10_000);
  expect(serves).toBe(false);
});
