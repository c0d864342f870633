/** Checkers are held against moves that break exactly one promise: each must find it, and nothing in good ones. */
import { writeBatch } from '@meridian/protocol/record-batch';
import { beforeEach, describe, expect, test } from 'vitest';
import { History } from '../history.ts';
import type { StoredReplica } from '../stored-replica.ts';
import type { ImageState, NodeState, PartitionState, ReplicaState, TopicState } from '../views.ts';
import { acknowledgedKept } from './acknowledged-kept.ts';
import { acknowledgedLed } from './acknowledged-led.ts';
import { bounded } from './bounded.ts';
import { commitsOwnEpoch } from './commits-own-epoch.ts';
import { missing } from './converged.ts';
import { electableHaveAll } from './electable-have-all.ts';
import { epochsRemembered } from './epochs-remembered.ts';
import { groupsOwnOnce, groupsProcessAll } from './groups-own-once.ts';
import { imagesEqual } from './images-equal.ts';
import { isrInReplicas } from './isr-in-replicas.ts';
import { logsMatch } from './logs-match.ts';
import { metadataDurable } from './metadata-durable.ts';
import { oneLeader } from './one-leader.ts';
import { type OpenReplica, recoveryKeeps } from './recovery-keeps.ts';
import { soundBatches } from './sound-batches.ts';
import { votesOnce } from './votes-once.ts';
import type { Watcher } from './watcher.ts';
import { watermarkCovered } from './watermark-covered.ts';
import { watermarksMonotone } from './watermarks-monotone.ts';

const found: string[] = [];
const fail = (what: string): void => void found.push(what);
beforeEach(() => {
  found.length = 0;
});

const LEADER: ReplicaState = {
  nodeId: 1,
  boot: 1,
  topic: 'orders',
  topicId: 'id',
  index: 0,
  leaderEpoch: 3,
  isLeader: true,
  highWatermark: 5,
  lastStableOffset: 5,
  logStart: 0,
  logEnd: 8,
  durableEnd: 8,
  isr: [1, 2, 3],
  epochs: [],
};
const PARTITION: PartitionState = {
  index: 0,
  leader: 1,
  leaderEpoch: 3,
  partitionEpoch: 7,
  replicas: [1, 2, 3],
  isr: [1, 2],
  eligibleLeaderReplicas: [3],
};

function imageOf(partition: Partial<PartitionState> = {}, configs: Record<string, string> = {}): ImageState {
  const topic: TopicState = { name: 'orders', id: 'id', partitions: [{ ...PARTITION, ...partition }] };
  const brokers = new Map([1, 2, 3].map((id) => [id, { epoch: id, fenced: false }]));
  const configOf = () => new Map(Object.entries(configs));
  return {
    endOffset: 10,
    brokers,
    topicsByName: new Map([['orders', topic]]),
    topicsById: new Map([['id', topic]]),
    configOf,
  };
}

function nodeOf(change: Partial<NodeState> = {}): NodeState {
  const image = imageOf();
  return {
    nodeId: 1,
    boot: 1,
    isActiveController: true,
    epoch: 2,
    metadataEnd: 10,
    leaderId: 1,
    metadataHighWatermark: 10,
    metadataDurableEnd: 10,
    committedEpoch: 2,
    image,
    imageHash: () => 'a',
    ...change,
  };
}

/** Shows a replica's states one after another. */
function show(watcher: Watcher, ...states: ReplicaState[]): void {
  let before: ReplicaState | undefined;
  for (const now of states) {
    watcher.replicaMoved?.(now, before);
    before = now;
  }
}

describe('watermarks', () => {
  test('a rising high watermark is right; one that falls within an epoch is found', () => {
    show(watermarksMonotone(fail), LEADER, { ...LEADER, highWatermark: 8, lastStableOffset: 8 });
    expect(found).toEqual([]);
    show(watermarksMonotone(fail), LEADER, { ...LEADER, highWatermark: 4, lastStableOffset: 4 });
    expect(found).toHaveLength(2);
  });

  test('a new leader may begin below what the last one had', () => {
    show(watermarksMonotone(fail), LEADER, { ...LEADER, leaderEpoch: 4, highWatermark: 4, lastStableOffset: 4 });
    expect(found).toEqual([]);
  });

  test.each([{ highWatermark: 9 }, { lastStableOffset: 6 }, { logStart: 6 }])('%o is out of order', (change) => {
    show(watermarksMonotone(fail), { ...LEADER, ...change });
    expect(found).toHaveLength(1);
  });
});

describe('a high watermark that advances', () => {
  const advanced = { ...LEADER, highWatermark: 7 };
  const follower = (nodeId: number, logEnd: number): ReplicaState => ({ ...LEADER, nodeId, logEnd, isLeader: false });

  function seen(ends: [number, number], ...states: ReplicaState[]): string[] {
    const watcher = watermarkCovered(fail, 2);
    watcher.nodeMoved?.(nodeOf());
    watcher.begin?.();
    show(watcher, follower(2, ends[0]));
    show(watcher, follower(3, ends[1]));
    show(watcher, ...states);
    return found;
  }

  test('is right where all in sync have been', () => {
    expect(seen([7, 8], LEADER, advanced)).toEqual([]);
  });

  test('beyond what one of them ever had is found', () => {
    expect(seen([7, 6], LEADER, advanced)[0]).toContain('node 3');
  });

  test('without min.insync.replicas in sync is found, before and after', () => {
    const alone = { ...LEADER, isr: [1] };
    expect(seen([7, 8], alone, { ...alone, highWatermark: 7 })[0]).toContain('with 1 of 2');
  });

  test('of a topic with durability fsync beyond what one of them has fsynced is found', () => {
    const watcher = watermarkCovered(fail, 2);
    const image = imageOf({}, { 'meridian.durability': 'fsync' });
    for (const nodeId of [1, 2, 3]) watcher.nodeMoved?.(nodeOf({ nodeId, image }));
    watcher.begin?.();
    for (const id of [2, 3]) show(watcher, { ...follower(id, 8), durableEnd: id === 2 ? 8 : 6 });
    show(watcher, LEADER, advanced);
    expect(found[0]).toContain('node 3');
  });

  test('just before the others leave is right', () => {
    expect(seen([7, 8], LEADER, { ...advanced, isr: [1] })).toEqual([]);
  });
});

describe('leaders', () => {
  test('two in one epoch are found, and in two epochs are right', () => {
    const watcher = oneLeader(fail);
    show(watcher, LEADER, { ...LEADER, nodeId: 2, leaderEpoch: 4 });
    expect(found).toEqual([]);
    show(watcher, { ...LEADER, nodeId: 2 });
    expect(found).toHaveLength(1);
  });

  test('two controllers in one epoch are found', () => {
    const watcher = oneLeader(fail);
    watcher.nodeMoved?.(nodeOf());
    watcher.nodeMoved?.(nodeOf({ nodeId: 2, leaderId: 2, epoch: 3 }));
    watcher.nodeMoved?.(nodeOf({ leaderId: 2, epoch: 3 }));
    expect(found).toEqual([]);
    watcher.nodeMoved?.(nodeOf({ nodeId: 2, leaderId: 2 }));
    expect(found).toHaveLength(1);
  });

  test('one that lacks what was acknowledged is found', () => {
    const history = new History();
    history.acknowledge('orders', 0, 7, ['a', 'b']);
    show(acknowledgedLed(fail, history), { ...LEADER, logEnd: 9 });
    expect(found).toEqual([]);
    show(acknowledgedLed(fail, history), LEADER);
    expect(found).toHaveLength(1);
    const late = acknowledgedLed(fail, history);
    late.nodeMoved?.(nodeOf({ image: imageOf({ leaderEpoch: 4 }) }));
    show(late, LEADER);
    expect(found).toHaveLength(1);
  });
});

test('whoever is eligible and never had what was acknowledged is found', () => {
  const history = new History();
  const watcher = electableHaveAll(fail, history);
  for (const nodeId of [1, 2, 3]) show(watcher, { ...LEADER, nodeId, logEnd: nodeId === 3 ? 6 : 8 });
  history.acknowledge('orders', 0, 4, ['a', 'b']);
  watcher.nodeMoved?.(nodeOf());
  expect(found).toEqual([]);
  history.acknowledge('orders', 0, 6, ['c']);
  watcher.nodeMoved?.(nodeOf());
  expect(found[0]).toContain('node 3');
  show(watcher, LEADER, { ...LEADER, logEnd: 7 });
  expect(found).toHaveLength(1);
  show(watcher, LEADER, { ...LEADER, logEnd: 6 });
  expect(found.at(-1)).toContain('cuts its log');
});

describe('images', () => {
  const look = (...partitions: Partial<PartitionState>[]): string[] => {
    const watcher = isrInReplicas(fail);
    for (const partition of partitions) watcher.nodeMoved?.(nodeOf({ image: imageOf(partition) }));
    return found;
  };

  test('with a sound partition that moves on are right', () => {
    expect(look({}, { partitionEpoch: 8, isr: [1] }, { leader: 2, leaderEpoch: 4, partitionEpoch: 9 })).toEqual([]);
  });

  test.each([
    { isr: [1, 4] },
    { eligibleLeaderReplicas: [4] },
    { eligibleLeaderReplicas: [2] },
    { isr: [1, 1] },
    { leader: 3 },
  ])('with %o are wrong', (change) => {
    expect(look(change)).toHaveLength(1);
  });

  test('whose epochs fall, or whose leader changes within one, are found', () => {
    expect(look({}, { partitionEpoch: 6 })).toHaveLength(1);
    expect(look({}, { leader: 2 })).toHaveLength(2);
  });

  test('that differ at one offset are found', () => {
    const watcher = imagesEqual(fail);
    watcher.nodeMoved?.(nodeOf());
    watcher.nodeMoved?.(nodeOf({ nodeId: 2 }));
    expect(found).toEqual([]);
    watcher.nodeMoved?.(nodeOf({ nodeId: 3, imageHash: () => 'b' }));
    expect(found).toHaveLength(1);
  });
});

describe('recovery', () => {
  const open = (endOffset: number, writtenEnd = endOffset, durableEnd = endOffset): OpenReplica => {
    return { topic: 'orders', topicId: 'id', index: 0, log: { endOffset, writtenEnd, durableEnd, failure: undefined } };
  };

  test.each([
    ['killed', 6, 0],
    ['killed', 5, 1],
    ['killed', 9, 1],
    ['power lost', 4, 0],
    ['power lost', 3, 1],
    ['wiped', 0, 0],
  ] as const)(
    'of a node that was %s with 4 durable and 6 written of 8: up to %i is wrong %i times',
    (how, end, times) => {
      const recovery = recoveryKeeps(fail);
      recovery.died(1, how, [open(8, 6, 4)]);
      recovery.opened(1, open(end));
      expect(found).toHaveLength(times);
    },
  );
});

test('metadata that is committed before a majority has fsynced it is found', () => {
  const watcher = metadataDurable(fail);
  const at = (nodeId: number, metadataDurableEnd: number, metadataHighWatermark: number): void =>
    watcher.nodeMoved?.(nodeOf({ nodeId, metadataDurableEnd, metadataHighWatermark }));
  at(1, 12, 0);
  at(2, 12, 0);
  at(1, 12, 12);
  expect(found).toEqual([]);
  at(1, 14, 14);
  expect(found).toHaveLength(1);
});

test('a leader of the quorum that commits records of an earlier epoch by themselves is found', () => {
  const watcher = commitsOwnEpoch(fail);
  watcher.nodeMoved?.(nodeOf());
  watcher.nodeMoved?.(nodeOf({ epoch: 3 }));
  watcher.nodeMoved?.(nodeOf({ epoch: 3, metadataHighWatermark: 12, committedEpoch: 3 }));
  expect(found).toEqual([]);
  watcher.nodeMoved?.(nodeOf({ epoch: 4, metadataHighWatermark: 12, committedEpoch: 3 }));
  watcher.nodeMoved?.(nodeOf({ epoch: 4, metadataHighWatermark: 13, committedEpoch: 3 }));
  expect(found).toHaveLength(1);
});

test('a second vote in an epoch is found, and a vote in another one is right', () => {
  const votes = votesOnce(fail);
  const state = (leaderEpoch: number, votedId: number): string =>
    JSON.stringify({ leaderId: -1, leaderEpoch, votedId, data_version: 1 });
  for (const [epoch, voted] of [
    [3, -1],
    [3, 11],
    [3, -1],
    [3, 11],
    [4, 12],
  ] as const)
    votes.wrote(1, state(epoch, voted));
  votes.wrote(2, state(3, 12));
  votes.wiped(2);
  votes.wrote(2, state(3, 11));
  expect(found).toEqual([]);
  votes.wrote(1, state(3, 12));
  expect(found).toHaveLength(1);
  votes.wrote(1, state(5, 12).slice(0, -3));
  expect(found).toHaveLength(2);
});

test('an epoch that a node has forgotten is found, unless its disk was wiped', () => {
  const watcher = epochsRemembered(fail);
  watcher.nodeMoved?.(nodeOf({ epoch: 4 }));
  watcher.nodeMoved?.(nodeOf({ epoch: 5, boot: 2 }));
  watcher.wiped(1);
  watcher.nodeMoved?.(nodeOf({ epoch: 2, boot: 3 }));
  expect(found).toEqual([]);
  watcher.nodeMoved?.(nodeOf({ epoch: 1, boot: 4 }));
  expect(found).toHaveLength(1);
});

test('a replica that was none for a time begins anew', () => {
  const recovery = recoveryKeeps(fail);
  const log = { endOffset: 8, writtenEnd: 8, durableEnd: 8, failure: undefined };
  const replica = { topic: 'orders', topicId: 'id', index: 0, log };
  recovery.died(1, 'killed', [replica]);
  recovery.nodeMoved?.(nodeOf({ image: imageOf({ replicas: [2, 3] }) }));
  recovery.opened(1, { ...replica, log: { ...log, endOffset: 0 } });
  expect(found).toEqual([]);
});

describe('groups', () => {
  test('a partition of two owners in one generation is found', () => {
    const history = new History();
    const own = { group: 'g', generation: 1, member: 'a', topic: 'orders', index: 0 };
    history.owned.push(own, { ...own, index: 1, member: 'b' }, { ...own, generation: 2, member: 'b' });
    expect(groupsOwnOnce(history)).toEqual([]);
    history.owned.push({ ...own, member: 'b' });
    expect(groupsOwnOnce(history)).toHaveLength(1);
  });

  test('a record that nobody has processed is found', () => {
    const history = new History();
    history.acknowledge('orders', 0, 0, ['a', 'b']);
    history.processed.set('g/orders-0', new Set(['a', 'b']));
    const groups = new Map([['g', 'orders']]);
    expect(groupsProcessAll(history, groups)).toEqual([]);
    history.processed.get('g/orders-0')?.delete('b');
    expect(groupsProcessAll(history, groups)).toHaveLength(1);
  });
});

describe('what is stored', () => {
  function replicaOf(nodeId: number, values: readonly string[], epoch = 1): StoredReplica {
    const batches = values.map((value, offset) => {
      const records = [{ timestamp: 0, key: null, value: Buffer.from(value), headers: [] }];
      const bytes = Buffer.from(writeBatch({ baseOffset: offset, records }));
      return { offset, epoch, bytes };
    });
    return { nodeId, topic: 'orders', index: 0, logStart: 0, logEnd: values.length, batches };
  }
  const VALUES = ['w:0 .', 'w:1 .', 'w:2 .'];
  const historyOf = (values: readonly string[]) => {
    const history = new History();
    history.acknowledge('orders', 0, 0, values);
    return history.of('orders', 0);
  };

  test('equal replicas match; a shorter one does until the end of the run', () => {
    expect(logsMatch([replicaOf(1, VALUES), replicaOf(2, VALUES)], true)).toEqual([]);
    expect(logsMatch([replicaOf(1, VALUES), replicaOf(2, VALUES.slice(1))], false)).toHaveLength(1);
    expect(logsMatch([replicaOf(1, VALUES), replicaOf(2, VALUES.slice(0, 2))], false)).toEqual([]);
    expect(logsMatch([replicaOf(1, VALUES), replicaOf(2, VALUES.slice(0, 2))], true)).toHaveLength(1);
  });

  test('other bytes at an offset are found, of another epoch at the end only', () => {
    expect(logsMatch([replicaOf(1, VALUES), replicaOf(2, ['w:0 .', 'x:1 .', 'w:2 .'])], false)).toHaveLength(1);
    expect(logsMatch([replicaOf(1, VALUES), replicaOf(2, VALUES, 2)], false)).toEqual([]);
    expect(logsMatch([replicaOf(1, VALUES), replicaOf(2, VALUES, 2)], true)).toHaveLength(1);
  });

  test('a damaged batch is found', () => {
    const replica = replicaOf(1, VALUES);
    expect(soundBatches(replica)).toEqual([]);
    replica.batches[1]?.bytes.fill(9, 62, 63);
    expect(soundBatches(replica)).toHaveLength(1);
  });

  test('what was acknowledged is there, once and in order', () => {
    const history = historyOf(VALUES);
    expect(acknowledgedKept(replicaOf(1, VALUES), history)).toEqual([]);
    expect(acknowledgedKept(replicaOf(1, VALUES.slice(0, 2)), history)).toHaveLength(1);
    expect(acknowledgedKept(replicaOf(1, [...VALUES, 'w:2 .']), history)).toHaveLength(2);
    expect(acknowledgedKept(replicaOf(1, ['w:1 .', 'w:0 .', 'w:2 .']), historyOf(['w:1 .']))).toHaveLength(1);
  });

  test('a record that a consumer was given stays', () => {
    const history = historyOf([]);
    history.read.set(2, 'w:2 .');
    expect(acknowledgedKept(replicaOf(1, VALUES), history)).toEqual([]);
    expect(acknowledgedKept(replicaOf(1, VALUES.slice(0, 2)), history)).toHaveLength(1);
  });
});

describe('a healed region', () => {
  const at = (nodeId: number): ReplicaState => ({ ...LEADER, nodeId, isLeader: nodeId === 1, highWatermark: 8 });
  const replicas = [at(1), at(2), at(3)];
  const whole = imageOf({ isr: [1, 2, 3], eligibleLeaderReplicas: [] });

  test('is whole', () => {
    expect(missing([nodeOf({ image: whole })], replicas, [1, 2, 3])).toEqual([]);
  });

  test.each([
    ['no controller', [nodeOf({ isActiveController: false })], replicas],
    ['a replica out of sync', [nodeOf()], replicas],
    ['no leader', [nodeOf({ image: imageOf({ leader: -1 }) })], replicas],
    ['a replica behind', [nodeOf({ image: whole })], [at(1), at(2), { ...at(3), logEnd: 7 }]],
    ['a high watermark behind', [nodeOf({ image: whole })], [at(1), at(2), { ...at(3), highWatermark: 7 }]],
    ['a replica in another epoch', [nodeOf({ image: whole })], [at(1), at(2), { ...at(3), leaderEpoch: 2 }]],
    ['a replica that is not hosted', [nodeOf({ image: whole })], [at(1), at(2)]],
    [
      'a node behind',
      [nodeOf({ image: { ...whole, endOffset: 11 } }), nodeOf({ nodeId: 2, isActiveController: false })],
      replicas,
    ],
  ])('lacks something with %s', (_, nodes, hosted) => {
    expect(missing(nodes, hosted, [1, 2, 3])).not.toEqual([]);
  });

  test('a broker that is fenced is missed', () => {
    expect(missing([nodeOf({ image: whole })], replicas, [1, 2, 3, 4])).toHaveLength(1);
  });

  test('sockets beyond the bounds are found', () => {
    expect(bounded('node', { connections: 10, queuedBytes: 10 })).toEqual([]);
    expect(bounded('node', { connections: 1_000, queuedBytes: 1e9 })).toHaveLength(2);
  });
});
