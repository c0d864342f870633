import { parseConfig } from '@meridian/service';
import { expect, test } from 'vitest';
import { BROKER_CONFIG_SCHEMA } from './config.ts';
import { checkRoles, rolesOf } from './node-roles.ts';

const LISTENER = { host: '127.0.0.1', port: 9092 };
const ID = (letter: string) => letter.repeat(22);
const voter = (id: number, more = {}) => ({ id, host: '127.0.0.1', port: 9000 + id, ...more });
const TRIO = [1, 2, 3].map((id) => voter(id, { directoryId: ID('ABC'[id - 1]!) }));
const BASE = {
  region: 'us-east',
  regionId: 1,
  nodeId: 1,
  dataFolder: '/data',
  internal: { ...LISTENER, secret: 'x'.repeat(16) },
  regions: ['us-east'],
  clusterId: ID('c'),
};

const check = (config: object): void => {
  checkRoles(parseConfig(JSON.stringify({ ...BASE, ...config }), 'broker.json', BROKER_CONFIG_SCHEMA));
};

test('a node is both unless it says what it is', () => {
  expect(rolesOf({})).toEqual({ isBroker: true, isController: true });
  expect(rolesOf({ roles: ['broker'] })).toEqual({ isBroker: true, isController: false });
  expect(rolesOf({ roles: ['controller'] })).toEqual({ isBroker: false, isController: true });
});

test.each([
  ['one node alone', { client: LISTENER, clusterId: undefined }],
  ['one of three', { client: LISTENER, voters: TRIO }],
  ['one of three that is given its id', { client: LISTENER, voters: TRIO, directoryId: ID('A') }],
  ['static voters', { client: LISTENER, voters: [voter(1), voter(2)] }],
  ['a controller without clients', { roles: ['controller'], voters: TRIO }],
  ['a broker that does not vote', { nodeId: 9, client: LISTENER, roles: ['broker'], voters: TRIO }],
  ['a controller that may be made a voter later', { nodeId: 9, roles: ['controller'], voters: TRIO }],
])('%s is a node', (_, config) => {
  expect(() => check(config)).not.toThrow();
});

test.each([
  ['client: is missing', {}],
  ['client: a node that is a controller alone', { roles: ['controller'], client: LISTENER }],
  ['roles: broker stands there twice', { client: LISTENER, roles: ['broker', 'broker'] }],
  ['roles[0] must be one of', { client: LISTENER, roles: ['observer'] }],
  ['roles needs 1 items', { client: LISTENER, roles: [] }],
  ['voters: is missing', { client: LISTENER, roles: ['broker'] }],
  ['voters needs 1 items', { client: LISTENER, voters: [] }],
  ['voters: two have the id 1', { client: LISTENER, voters: [voter(1), voter(1, { port: 9 })] }],
  ['voters: two have the address 127.0.0.1:9001', { client: LISTENER, voters: [voter(1), voter(2, { port: 9001 })] }],
  [
    `voters: two have the directoryId ${ID('A')}`,
    { client: LISTENER, voters: [TRIO[0], { ...TRIO[1], directoryId: ID('A') }] },
  ],
  ['voters: all of them need a directoryId', { client: LISTENER, voters: [TRIO[0], voter(2)] }],
  ['voters: node 1, this one, is no controller', { client: LISTENER, roles: ['broker'], voters: TRIO }],
  ['voters[0].port must be at least 1', { client: LISTENER, voters: [voter(1, { port: 0 })] }],
  ['voters[0].directoryId must match', { client: LISTENER, voters: [voter(1, { directoryId: 'short' })] }],
  [`directoryId: is ${ID('B')}, and ${ID('A')} among`, { client: LISTENER, voters: TRIO, directoryId: ID('B') }],
  ['clusterId: is missing', { client: LISTENER, voters: TRIO, clusterId: undefined }],
])('a config is refused with “%s”', (why, config) => {
  expect(() => check(config)).toThrow(why);
});
