import { errorName } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { createTopics, newTopic, scenario } from './scenario.ts';

const PROMOTED = 'meridian.origin.promoted';
const INCARNATION = 'meridian.origin.incarnation';

function copying() {
  const at = scenario();
  const configs = [
    { name: 'meridian.origin.region', value: 'eu-west' },
    { name: INCARNATION, value: '1' },
  ];
  const copy = { ...newTopic('orders', { configs }), numPartitions: 2 };
  at.run(createTopics([copy, newTopic('plain')], { requester: 'internal' }));
  const alter = (
    values: Record<string, string | null>,
    name = 'orders',
    requester: 'client' | 'internal' = 'internal',
  ) => {
    const changes = Object.entries(values).map(([config, value]) => ({ name: config, value }));
    const resources = [{ resource: 'topic' as const, name, changes }];
    const result = at.run({ kind: 'alterConfigs', requester, validateOnly: false, resources });
    const { errorCode, errorMessage } = result.resources[0]!;
    return errorMessage ?? errorName(errorCode);
  };
  return alter;
}

test('a copy is sealed, and promoted with the ends of its partitions and the next incarnation', () => {
  const alter = copying();
  expect(alter({ [PROMOTED]: '5,7', [INCARNATION]: '2' })).toContain('has to be sealed');
  expect(alter({ [PROMOTED]: 'sealed' })).toBe('NONE');
  expect(alter({ [PROMOTED]: '5,7' })).toContain('is number 2');
  expect(alter({ [PROMOTED]: '5', [INCARNATION]: '2' })).toContain('each of the 2 partitions');
  expect(alter({ [PROMOTED]: '5,7', [INCARNATION]: '2' })).toBe('NONE');
});

test('of two that promote, one is refused, and a promotion is for good', () => {
  const alter = copying();
  alter({ [PROMOTED]: 'sealed' });
  expect(alter({ [PROMOTED]: '5,7', [INCARNATION]: '2' })).toBe('NONE');
  expect(alter({ [PROMOTED]: '5,7', [INCARNATION]: '2' })).toBe('NONE'); // said twice
  expect(alter({ [PROMOTED]: '5,8', [INCARNATION]: '3' })).toContain('promoted already');
  expect(alter({ [PROMOTED]: null })).toContain('promoted already');
  expect(alter({ [INCARNATION]: '4' })).toContain('with its promotion only');
});

test('a seal can be taken back; what is no copy, and who is no mirror, has none', () => {
  const alter = copying();
  alter({ [PROMOTED]: 'sealed' });
  expect(alter({ [PROMOTED]: null })).toBe('NONE');
  expect(alter({ [PROMOTED]: 'sealed' })).toBe('NONE');
  expect(alter({ [PROMOTED]: 'sealed' }, 'plain')).toContain('no copy');
  expect(alter({ [PROMOTED]: null }, 'orders', 'client')).toContain('the mirror alone');
});
