/** What a broker says of itself, here and over the network. */
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { type Api, BrokerHeartbeat, BrokerRegistration, ERROR } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { Command } from '../controller/commands.ts';
import { type LifecycleParts, openLifecycle } from './open-lifecycle.ts';

const [FIRST, SECOND] = ['11111111-0563-4f3b-a171-67d705c05725', '22222222-0563-4f3b-a171-67d705c05725'];
const ENDPOINTS = [{ name: 'INTERNAL', host: 'node-7', port: 9093, securityProtocol: 2 }];
const SHARED = { brokerId: 7, clusterId: 'cluster', incarnationId: SECOND, rack: 'b', previousBrokerEpoch: 12 };

async function said(isLocal: boolean): Promise<unknown> {
  const world = createSimWorld({ seed: 1 });
  const io = world.node('broker').boot();
  const commands: unknown[] = [];
  const answer = { errorCode: ERROR.NONE, brokerEpoch: 40, isFenced: false, shouldShutDown: false };
  const note = async (api: Api | undefined, body: object) => {
    commands.push({ api, ...body });
    return answer;
  };
  const image = { clusterId: 'cluster', endOffset: 41, configOf: () => new Map() };
  const life = openLifecycle({
    ...{ io, log: silentLogger, nodeId: 7, incarnationId: SECOND, rack: 'b', endpoints: ENDPOINTS, found: [] },
    channel: { isLocal, send: note } as never,
    controller: {
      image,
      configSources: { image, nodeId: 7, staticConfigs: new Map() },
      onChange: () => () => {},
      submit: async (command: Command) => note(undefined, command),
    } as unknown as LifecycleParts['controller'],
    logDirs: { onlineIds: [SECOND, FIRST], previousBrokerEpoch: 12 },
  });
  void life.unfence();
  expect(await world.settle(life.register())).toBe(40);
  await world.settle(life.unfence());
  expect(commands[1]).toMatchObject({ api: BrokerHeartbeat, brokerEpoch: 40, currentMetadataOffset: 40 });
  return commands[0];
}

test('a broker registers with its addresses, its rack, its log dirs and the levels that it knows', async () => {
  expect(await said(false)).toMatchObject({
    ...{ api: BrokerRegistration, ...SHARED, listeners: ENDPOINTS, logDirs: [FIRST, SECOND] },
    features: expect.arrayContaining([{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 }]),
  });
});

test('at itself it says the same', async () => {
  const same = { ...SHARED, endpoints: ENDPOINTS, directories: [FIRST, SECOND], found: [] };
  expect(await said(true)).toMatchObject({ kind: 'registerBroker', ...same });
});
