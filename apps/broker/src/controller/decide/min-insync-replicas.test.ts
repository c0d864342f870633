/** Who is eligible when min.insync.replicas changes, and what may not change while anybody is. */
import { errorName } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { ConfigResource } from '../image.ts';
import { createTopics, fence, heartbeat, newTopic, partitionLine, type Scenario, scenario } from './scenario.ts';

const NAME = 'min.insync.replicas';

/** Two topics on three brokers, of which only the first is left: one with the value of its own, one with the cluster's. */
function cluster(hasElr = true): Scenario {
  const at = scenario([1, 2, 3], { nodeId: 9 });
  if (hasElr) at.image.features.set('eligible.leader.replicas.version', 1);
  set(at, 'broker', '', '3');
  const assignments = [{ partitionIndex: 0, brokerIds: [1, 2, 3] }];
  at.run(
    createTopics([
      newTopic('own', { assignments, configs: [{ name: NAME, value: '3' }] }),
      newTopic('shared', { assignments }),
    ]),
  );
  fence(at, 2);
  fence(at, 3);
  return at;
}

function set(at: Scenario, resource: ConfigResource, name: string, value: string | null): string {
  const resources = [{ resource, name, changes: [{ name: NAME, value }] }];
  const answer = at.run({ kind: 'alterConfigs', requester: 'client', validateOnly: false, resources });
  return errorName(answer.resources[0]!.errorCode);
}

const elr = (at: Scenario): string[] =>
  ['own', 'shared'].map((topic) => partitionLine(at, topic).slice('[1,2,3] '.length));

test('nobody is eligible any more once the leader may commit without them, and all are until then', () => {
  const at = cluster();
  const both = 'led by 1 epoch 0 isr [1] elr [2,3]';
  expect(elr(at)).toEqual([both, both]);
  set(at, 'topic', 'own', '2');
  expect(elr(at)).toEqual([both, both]);
  set(at, 'topic', 'own', '1');
  expect(at.written).toEqual([`config own ${NAME}=1`, 'partition 0 elr []']);
  expect(elr(at)).toEqual(['led by 1 epoch 0 isr [1]', both]);
  set(at, 'broker', '', '1');
  expect(elr(at)).toEqual(['led by 1 epoch 0 isr [1]', 'led by 1 epoch 0 isr [1]']);
});

test('a value that is cleared is the cluster’s from then on', () => {
  const at = cluster();
  set(at, 'topic', 'shared', '3');
  set(at, 'broker', '', '1');
  const both = 'led by 1 epoch 0 isr [1] elr [2,3]';
  expect(elr(at)).toEqual([both, both]);
  set(at, 'topic', 'shared', null);
  expect(elr(at)).toEqual([both, 'led by 1 epoch 0 isr [1]']);
});

test('who alone has the data of a partition without a leader stays eligible, whatever the value', () => {
  const at = cluster();
  fence(at, 1);
  set(at, 'topic', 'own', '1');
  expect(elr(at)[0]).toBe('led by -1 epoch 1 isr [] elr [2,3,1] last known [1]');
});

test('no broker has a value of its own, and the cluster’s is never missing, while replicas are eligible', () => {
  const at = cluster();
  expect(set(at, 'broker', '1', '1')).toBe('INVALID_CONFIG');
  expect(set(at, 'broker', '1', null)).toBe('INVALID_CONFIG');
  expect(set(at, 'broker', '', null)).toBe('INVALID_CONFIG');
  const without = cluster(false);
  expect(set(without, 'broker', '1', '1')).toBe('NONE');
  expect(set(without, 'broker', '', null)).toBe('NONE');
});

test('who alone has the data stays in sync when eligible replicas are not kept any more, and leads when it is back', () => {
  const at = cluster();
  fence(at, 1);
  const updates = [{ name: 'eligible.leader.replicas.version', level: 0, upgradeType: 2 }];
  expect(at.run({ kind: 'updateFeatures', updates, validateOnly: false }).errorCode).toBe(0);
  expect(elr(at)[0]).toBe('led by -1 epoch 1 isr [2,3,1]');
  at.run(heartbeat(at, 3));
  expect(elr(at)[0]).toBe('led by 3 epoch 2 isr [2,3,1]');
});
