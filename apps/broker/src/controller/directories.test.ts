/** Decisions for brokers with several log dirs: placing, failing, coming back. */
import { expect, test } from 'vitest';
import { createTopics, heartbeat, newTopic, registration, scenario, uuidNumber } from './decide/scenario.ts';

const [A, B, C] = [uuidNumber(901), uuidNumber(902), uuidNumber(903)] as const;

function twoDirs() {
  const at = scenario([]);
  at.run(registration(1, [A, B]));
  let starts = 0;
  const restart = (directories: string[], rest: object = {}) =>
    at.run({ ...registration(1, directories), incarnationId: uuidNumber(950 + ++starts), ...rest });
  const create = (name: string, numPartitions: number) => at.run(createTopics([newTopic(name, { numPartitions })]));
  const partitions = (name = 'orders') => at.image.topicsByName.get(name)!.partitions;
  const leaders = (name = 'orders') => partitions(name).map(({ leader }) => leader);
  const dirs = (name = 'orders') => partitions(name).map(({ directories }) => directories[0]);
  return { ...at, at, image: at.image, restart, create, partitions, leaders, dirs };
}

test('each new partition goes to the dir with the fewest, over all topics', () => {
  const { create, dirs, run } = twoDirs();
  create('first', 1);
  create('orders', 4);
  expect([...dirs('first'), ...dirs()]).toEqual([A, B, A, B, A]);
  run({
    kind: 'createPartitions',
    requester: 'client',
    validateOnly: false,
    topics: [{ name: 'first', count: 3, assignments: null }],
  });
  expect(dirs('first')).toEqual([A, B, A]);
});

test('what lies in a failed dir has no leader, keeps its in-sync set, and is led again when the dir is back', () => {
  const { create, leaders, partitions, run, restart, image, at } = twoDirs();
  create('orders', 4);
  run(heartbeat(at, 1, { offlineLogDirs: [B] }));
  expect(leaders()).toEqual([1, -1, 1, -1]);
  expect(image.brokers.get(1)!.directories).toEqual([A]);
  expect(partitions().map(({ isr }) => isr)).toEqual([[1], [1], [1], [1]]);
  const elected = run({ kind: 'electLeaders', election: 'unclean', partitions: [{ topic: 'orders', index: 1 }] });
  expect(elected.partitions[0]!.errorCode).not.toBe(0);
  create('later', 2);
  expect(leaders('later')).toEqual([1, 1]);
  restart([A]);
  expect(leaders()).toEqual([1, -1, 1, -1]);
  restart([A, B]);
  expect(leaders()).toEqual([1, 1, 1, 1]);
});

test('a broker that starts without one of its dirs leads nothing that lies there', () => {
  const { create, leaders, restart } = twoDirs();
  create('orders', 2);
  restart([B]);
  expect(leaders()).toEqual([-1, 1]);
});

test('a replica that was found in another dir than before is led, and its dir is known from then on', () => {
  const { create, leaders, dirs, restart, image } = twoDirs();
  create('orders', 2);
  const topicId = image.topicsByName.get('orders')!.id;
  restart([B, C], { found: [{ topicId, index: 0, directory: C }] });
  expect([leaders(), dirs()]).toEqual([
    [1, 1],
    [C, B],
  ]);
});
