/** Levels of features: which are taken, which are refused and why. */
import { ERROR } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { FeatureUpdate } from '../commands.ts';
import { registration, scenario, uuidNumber } from './scenario.ts';

const ELR = 'eligible.leader.replicas.version';
const [UPGRADE, SAFE, UNSAFE] = [1, 2, 3];

function set(...updates: (readonly [name: string, level: number, upgradeType?: number])[]) {
  const list = updates.map(([name, level, upgradeType = UPGRADE]): FeatureUpdate => ({ name, level, upgradeType }));
  return { kind: 'updateFeatures', validateOnly: false, updates: list } as const;
}

/** A cluster at metadata.version 20. */
function older() {
  const made = scenario([1, 2]);
  made.run(set(['metadata.version', 20]));
  return made;
}

test('a level that every broker knows is set', () => {
  const { image, run } = older();
  expect(run(set(['metadata.version', 25]))).toEqual({ errorCode: ERROR.NONE, errorMessage: null });
  expect(image.features.get('metadata.version')).toBe(25);
});

test.each<[string, Parameters<typeof set>, string]>([
  ['above what this controller knows', [['metadata.version', 31]], 'Local controller 1 only supports versions 7-30'],
  ['of a feature that nobody knows', [['some.feature', 1]], 'Local controller 1 does not support this feature.'],
  ['below zero', [['metadata.version', -1]], 'A feature version cannot be less than 0.'],
  ['down, asked for as an upgrade', [['metadata.version', 19]], "Can't downgrade the version of this feature without"],
  ['up, asked for as a downgrade', [['metadata.version', 21, SAFE]], "Can't downgrade to a newer version."],
  ['down over a change of the records', [['metadata.version', 16, SAFE]], 'it might delete metadata information'],
  ['the same by force', [['metadata.version', 16, UNSAFE]], 'Unsafe metadata downgrade is not supported'],
  ['of no known kind', [['metadata.version', 21, 9]], 'does not support the given upgrade type'],
  ['of the voters’ records', [['kraft.version', 1]], 'It is settled when the cluster begins.'],
])('a level %s is refused', (_, updates, why) => {
  const made = older();
  const { errorCode, errorMessage } = made.run(set(...updates));
  expect([errorCode, made.written]).toEqual([ERROR.INVALID_UPDATE_VERSION, []]);
  expect(errorMessage).toContain(why);
});

test('a level that one registered broker does not know is refused, and the others of the request with it', () => {
  const made = older();
  const features = [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 21 }];
  made.image.brokers.set(2, { ...made.image.brokers.get(2)!, features });
  const { errorMessage } = made.run(set(['metadata.version', 21], [ELR, 1]));
  expect(errorMessage).toContain(`for feature ${ELR}. Broker 2 does not support this feature.`);
  expect(made.run(set(['metadata.version', 22])).errorMessage).toContain('Broker 2 only supports versions 7-21');
  expect(made.image.features.get('metadata.version')).toBe(20);
});

test('a level is not raised before every voter has said which levels it knows', () => {
  const made = scenario([1], { voterIds: () => [1, 5] });
  const again = () => made.run(set(['metadata.version', 20])).errorMessage;
  expect(again()).toContain('controller 5 has not registered, and may not support this feature');
  const features = [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 30 }];
  made.run({ kind: 'registerController', controllerId: 5, incarnationId: uuidNumber(5), endpoints: [], features });
  expect(again()).toBe(null);
});

test('a downgrade over levels that changed nothing in the records is taken', () => {
  const { image, run } = older();
  expect(run(set(['metadata.version', 18, SAFE])).errorCode).toBe(ERROR.NONE);
  expect(image.features.get('metadata.version')).toBe(18);
});

test('what is only validated changes nothing', () => {
  const made = older();
  expect(made.run({ ...set(['metadata.version', 25]), validateOnly: true }).errorCode).toBe(ERROR.NONE);
  expect(made.written).toEqual([]);
});

test('with eligible leader replicas the least in-sync set is one for all brokers', () => {
  const made = older();
  const single = { resource: 'broker' as const, name: '2', changes: [{ name: 'min.insync.replicas', value: '2' }] };
  made.run({ kind: 'alterConfigs', requester: 'client', validateOnly: false, resources: [single] });
  made.run(set([ELR, 1]));
  expect(made.image.configOf('broker', '').get('min.insync.replicas')).toBe('1');
  expect(made.image.configOf('broker', '2').size).toBe(0);
  made.run(set([ELR, 0, SAFE]));
  expect(made.image.features.has(ELR)).toBe(false);
});

test('a block of producer ids is for the broker as it is registered now', () => {
  const made = scenario([1]);
  const ask = (brokerEpoch: number) => made.run({ kind: 'allocateProducerIds', brokerId: 1, brokerEpoch });
  const { epoch } = made.image.brokers.get(1)!;
  made.run({ ...registration(1), incarnationId: registration(2).incarnationId });
  expect(ask(epoch).errorCode).toBe(ERROR.STALE_BROKER_EPOCH);
  expect(ask(made.image.brokers.get(1)!.epoch).errorCode).toBe(ERROR.NONE);
});
