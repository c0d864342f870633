/**
 * Random lives of five brokers: whatever is asked in whatever order, the partitions keep their rules. Beside the image runs
 * a model of who has all that is committed, by what leaders may do with an in-sync set of that size.
 */

import assert from 'node:assert/strict';
import { below, chance, createSeededRandom } from '@meridian/io/sim';
import { ERROR } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { AlterPartition, Command } from '../commands.ts';
import { directoryOn, isOnlineIn } from '../directories.ts';
import type { PartitionInfo, Topic } from '../image.ts';
import {
  createTopics,
  fence,
  heartbeat,
  newTopic,
  partitionLine,
  registration,
  type Scenario,
  scenario,
  start,
  uuidNumber,
} from './scenario.ts';

const BROKERS = [1, 2, 3, 4, 5];
const STEPS = 250;

type Random = ReturnType<typeof createSeededRandom>;

interface World {
  readonly random: Random;
  readonly at: Scenario;
  readonly hasElr: boolean;
  /** By `topic-index`: who has all that is committed. */
  readonly holders: Map<string, Set<number>>;
  /** By broker: its log dirs, whether its process has found them or not. */
  readonly disks: Map<number, string[]>;
  uuids: number;
}

const key = (topic: Topic, { index }: PartitionInfo): string => `${topic.name}-${index}`;

function* partitionsOf({ at }: World): Generator<{ topic: Topic; partition: PartitionInfo }> {
  for (const topic of at.image.topicsByName.values()) {
    for (const partition of topic.partitions) yield { topic, partition };
  }
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[below(random, items.length)]!;
}

function subset(random: Random, ids: readonly number[], share: number): number[] {
  return ids.filter(() => chance(random, share));
}

function minIsrOf({ at }: World, topic: Topic, { replicas }: PartitionInfo): number {
  return Math.min(Number(at.image.configOf('topic', topic.name).get('min.insync.replicas')), replicas.length);
}

function isActive({ at }: World, id: number): boolean {
  const broker = at.image.brokers.get(id);
  return broker?.fenced === false && !broker.inControlledShutdown;
}

function hasDisk({ at }: World, id: number, partition: PartitionInfo): boolean {
  return isOnlineIn(directoryOn(id, partition), at.image.brokers.get(id)?.directories ?? []);
}

function newWorld(seed: number, hasElr: boolean): World {
  const random = createSeededRandom(seed, 'cluster');
  const sessions = {
    isLive: () => chance(random, 0.5),
    metadataOffset: () => (chance(random, 0.8) ? 1e9 : 0),
    shutdownOffset: () => 5,
  };
  const at = scenario([], { sessions, random: () => random.next(), nodeId: 9 });
  if (hasElr) at.image.features.set('eligible.leader.replicas.version', 1);
  const disks = new Map(BROKERS.map((id) => [id, [uuidNumber(800 + id), uuidNumber(700 + id)]]));
  for (const [id, directories] of disks) {
    start(at, id, { ...registration(id, directories), incarnationId: uuidNumber(600 + id) });
  }
  const world: World = { random, at, hasElr, holders: new Map(), disks, uuids: 10_000 };
  for (const [name, replicationFactor, minIsr] of [
    ['a', 3, 2],
    ['b', 3, 1],
    ['c', 5, 3],
    ['d', 1, 1],
    ['e', 2, 2],
  ] as const) {
    const configs = [{ name: 'min.insync.replicas', value: String(minIsr) }];
    at.run(createTopics([newTopic(name, { numPartitions: 2, replicationFactor, configs })]));
  }
  for (const { topic, partition } of partitionsOf(world))
    world.holders.set(key(topic, partition), new Set(partition.isr));
  return world;
}

/** A process starts: after an orderly stop or not, perhaps with an empty disk, or one that does not answer. */
function register(world: World, id: number): Command {
  const { random, at, disks } = world;
  const existing = at.image.brokers.get(id);
  if (chance(random, 0.1) && existing !== undefined) {
    const { incarnationId, directories } = existing;
    return { ...registration(id, [...directories]), incarnationId };
  }
  const previousBrokerEpoch = chance(random, 0.5) ? (existing?.epoch ?? -1) : -1;
  const [first, second] = disks.get(id)!.map((dir) => (chance(random, 0.1) ? uuidNumber(++world.uuids) : dir));
  const directories = chance(random, 0.1) ? [second!] : [first!, second!];
  return { ...registration(id, directories), incarnationId: uuidNumber(++world.uuids), previousBrokerEpoch };
}

function alterPartition({ random, at }: World, topic: Topic, partition: PartitionInfo): Command {
  const { leader, replicas, leaderEpoch, partitionEpoch, index } = partition;
  const brokerId = leader === -1 || chance(random, 0.05) ? pick(random, BROKERS) : leader;
  const newIsr = [...new Set([brokerId, ...subset(random, replicas, 0.7)])].map((id) => {
    return {
      brokerId: id,
      brokerEpoch: chance(random, 0.9) ? (at.image.brokers.get(id)?.epoch ?? -1) : below(random, 50),
    };
  });
  const stale = chance(random, 0.1) ? pick(random, [-1, 1]) : 0;
  const asked = {
    partitionIndex: index,
    leaderEpoch: leaderEpoch + stale,
    partitionEpoch,
    newIsr,
    leaderRecoveryState: 0,
  };
  const brokerEpoch = at.image.brokers.get(brokerId)?.epoch ?? -1;
  return { kind: 'alterPartition', brokerId, brokerEpoch, topics: [{ topicId: topic.id, partitions: [asked] }] };
}

function reassign({ random }: World, topic: Topic, { index }: PartitionInfo): Command {
  const wanted = subset(random, BROKERS, 0.5).sort(() => random.next() - 0.5);
  const replicas = chance(random, 0.3) ? null : wanted;
  const partitions = [{ partitionIndex: index, replicas }];
  const allowReplicationFactorChange = chance(random, 0.7);
  return {
    kind: 'alterPartitionReassignments',
    allowReplicationFactorChange,
    topics: [{ name: topic.name, partitions }],
  };
}

/** A broker tells only of replicas that it has, or that nobody counts on: that is its side of the bargain. */
function assign(world: World, id: number): Command {
  const { at } = world;
  const broker = at.image.brokers.get(id);
  const topics = [...partitionsOf(world)].flatMap(({ topic, partition }) => {
    const counted = [...partition.isr, ...partition.eligibleLeaderReplicas].includes(id);
    if (!partition.replicas.includes(id) || (counted && !hasDisk(world, id, partition))) return [];
    return [{ topicId: topic.id, partitions: [partition.index] }];
  });
  const directories = broker?.directories[0] === undefined ? [] : [{ id: broker.directories[0], topics }];
  return { kind: 'assignReplicasToDirs', brokerId: id, brokerEpoch: broker?.epoch ?? -1, directories };
}

function minIsrConfig({ random }: World, topic: Topic): Command {
  const changes = [{ name: 'min.insync.replicas', value: String(1 + below(random, 3)) }];
  const resources = [{ resource: 'topic' as const, name: topic.name, changes }];
  return { kind: 'alterConfigs', requester: 'client', validateOnly: false, resources };
}

function randomCommand(world: World): Command {
  const { random, at } = world;
  const id = pick(random, BROKERS);
  const { topic, partition } = pick(random, [...partitionsOf(world)]);
  const wants: readonly [weight: number, make: () => Command][] = [
    [8, () => register(world, id)],
    [16, () => heartbeat(at, id)],
    [2, () => heartbeat(at, id, { wantFence: true })],
    [4, () => heartbeat(at, id, { wantShutDown: true })],
    [2, () => heartbeat(at, id, { offlineLogDirs: [pick(random, world.disks.get(id)!)] })],
    [6, () => ({ kind: 'fenceBroker', brokerId: id, brokerEpoch: at.image.brokers.get(id)?.epoch ?? -1 })],
    [1, () => ({ kind: 'unregisterBroker', brokerId: id })],
    [20, () => alterPartition(world, topic, partition)],
    [4, () => reassign(world, topic, partition)],
    [2, () => ({ kind: 'electLeaders', election: 'preferred', partitions: null })],
    [2, () => ({ kind: 'balanceLeaders' })],
    [1, () => ({ kind: 'electUncleanLeaders' })],
    [2, () => assign(world, id)],
    [2, () => minIsrConfig(world, topic)],
  ];
  let at_ = below(
    random,
    wants.reduce((sum, [weight]) => sum + weight, 0),
  );
  for (const [weight, make] of wants) if ((at_ -= weight) < 0) return make();
  throw new Error('weights');
}

/** Runs a command, and what it means for data: a wiped or uncleanly stopped broker loses what others have, too. */
function run(world: World, command: Command): void {
  if (command.kind === 'alterPartition') return vouch(world, command);
  if (command.kind !== 'registerBroker') return void world.at.run(command);
  const { brokerId, directories } = command;
  const existing = world.at.image.brokers.get(brokerId);
  const isClean = existing !== undefined && command.previousBrokerEpoch === existing.epoch;
  const before = [...partitionsOf(world)];
  const { errorCode } = world.at.run(command);
  if (errorCode !== ERROR.NONE || existing?.incarnationId === command.incarnationId) return;
  const disks = directories.length === 2 ? directories : [world.disks.get(brokerId)![0]!, directories[0]!];
  world.disks.set(brokerId, [...disks]);
  for (const { topic, partition } of before) {
    const counted = [...partition.isr, ...partition.eligibleLeaderReplicas];
    const isLast = counted.every((id) => id === brokerId || !world.at.image.brokers.has(id));
    const directory = directoryOn(brokerId, partition);
    const isWiped = !disks.includes(directory!);
    const isMoved =
      directory !== directoryOn(brokerId, world.at.image.topicsById.get(topic.id)!.partitions[partition.index]!);
    if (isWiped || isMoved || (!isClean && !isLast)) world.holders.get(key(topic, partition))!.delete(brokerId);
  }
}

/** A leader asks only for those into the in-sync set of which it has seen that they have all. */
function vouch(world: World, command: AlterPartition): void {
  const [asked] = world.at.run(command).topics;
  if (asked === undefined) return;
  const topic = world.at.image.topicsById.get(asked.topicId)!;
  for (const { partitionIndex, errorCode } of asked.partitions) {
    if (errorCode !== ERROR.NONE && errorCode !== ERROR.NEW_LEADER_ELECTED) continue;
    const partition = topic.partitions[partitionIndex]!;
    for (const id of partition.isr) world.holders.get(key(topic, partition))!.add(id);
  }
}

/** What leaders do meanwhile: what is committed from now on only those in sync have. */
function commit(world: World): void {
  for (const { topic, partition } of partitionsOf(world)) {
    if (partition.leader === -1) continue;
    if (partition.isr.length < minIsrOf(world, topic, partition) || chance(world.random, 0.3)) continue;
    world.holders.set(key(topic, partition), new Set(partition.isr));
  }
}

function check(world: World, before: ReadonlyMap<string, PartitionInfo>): void {
  for (const { topic, partition } of partitionsOf(world)) {
    const was = before.get(key(topic, partition))!;
    const wrong = whySets(world, topic, partition) ?? whyEpochs(was, partition) ?? whyData(world, topic, partition);
    const now = `${key(topic, partition)} ${partitionLine(world.at, topic.name, partition.index)}`;
    assert(wrong === undefined, `${now}: ${wrong}`);
  }
}

/** Why the lists contradict one another. */
function whySets(world: World, topic: Topic, partition: PartitionInfo): string | undefined {
  const { replicas, isr, eligibleLeaderReplicas: elr, leader, addingReplicas, removingReplicas } = partition;
  for (const ids of [replicas, isr, elr, addingReplicas, removingReplicas]) {
    if (new Set(ids).size < ids.length || !ids.every((id) => replicas.includes(id))) return `[${ids}] in no replicas`;
  }
  if (partition.directories.length !== replicas.length) return 'dirs are not parallel to replicas';
  if (addingReplicas.some((id) => removingReplicas.includes(id))) return 'adding what is removing';
  if (isr.some((id) => elr.includes(id))) return 'eligible though in sync';
  if (isr.length + elr.length === 0) return 'nobody is known to have all';
  if (elr.length > 0 && isr.length >= minIsrOf(world, topic, partition)) return 'eligible though others commit';
  if (leader === -1) return undefined;
  if (partition.lastKnownElr.length > 0) return 'the last leader is remembered though there is one';
  if (!isr.includes(leader)) return 'the leader is not in sync';
  const dead = isr.find((id) => !isActive(world, id) || !hasDisk(world, id, partition));
  return dead === undefined ? undefined : `${dead} is in sync and not there`;
}

function whyEpochs(before: PartitionInfo, now: PartitionInfo): string | undefined {
  if (before === now) return undefined;
  if (now.partitionEpoch !== before.partitionEpoch + 1) return `partition epoch after ${before.partitionEpoch}`;
  const moved = now.leaderEpoch - before.leaderEpoch;
  const isRight = moved === 1 || (moved === 0 && now.leader === before.leader);
  return isRight ? undefined : `leader epoch after ${before.leaderEpoch} of ${before.leader}`;
}

/** Who is counted on has all that is committed, but for a wiped disk that nobody can replace; that never leads. */
function whyData(world: World, topic: Topic, partition: PartitionInfo): string | undefined {
  const holders = world.holders.get(key(topic, partition))!;
  const { leader, isr, eligibleLeaderReplicas } = partition;
  if (leader !== -1 && !holders.has(leader)) return 'the leader lacks what is committed';
  const isThere = (id: number): boolean => world.at.image.brokers.has(id) && hasDisk(world, id, partition);
  const lacking = [...isr, ...eligibleLeaderReplicas].find((id) => isThere(id) && !holders.has(id));
  return lacking === undefined ? undefined : `${lacking} is counted on and lacks what is committed`;
}

function live(seed: number, hasElr: boolean): number {
  const world = newWorld(seed, hasElr);
  let written = 0;
  for (let step = 0; step < STEPS; step++) {
    const before = new Map([...partitionsOf(world)].map(({ topic, partition }) => [key(topic, partition), partition]));
    const command = randomCommand(world);
    run(world, command);
    written += world.at.written.length;
    try {
      check(world, before);
    } catch (error) {
      const told = `seed ${seed} step ${step} ${JSON.stringify(command)}\n${world.at.written.join('\n')}`;
      throw new Error(`${told}\n${(error as Error).message}`, { cause: error });
    }
    commit(world);
  }
  return written;
}

const SEEDS = Array.from({ length: 30 }, (_, seed) => seed);

test.each([true, false])('five brokers keep the rules of partitions (eligible replicas kept: %s)', (hasElr) => {
  for (const seed of SEEDS) expect(live(seed, hasElr)).toBeGreaterThan(STEPS / 4);
});

test('what five brokers have been through, an operator can set right: once all are back, all lead', () => {
  for (const seed of SEEDS) {
    const world = newWorld(seed, true);
    for (let step = 0; step < STEPS; step++) {
      const command = randomCommand(world);
      run(world, command);
      commit(world);
    }
    for (const id of BROKERS) {
      if (world.at.image.brokers.has(id)) fence(world.at, id);
      const directories = world.disks.get(id)!;
      start(world.at, id, { ...registration(id, directories), incarnationId: uuidNumber(++world.uuids) });
    }
    for (const { topic, partition } of partitionsOf(world)) {
      const { leader, isr, eligibleLeaderReplicas } = partition;
      const counted = [...isr, ...eligibleLeaderReplicas];
      const where = `seed ${seed} ${key(topic, partition)} ${partitionLine(world.at, topic.name, partition.index)}`;
      if (counted.some((id) => hasDisk(world, id, partition))) expect(leader, where).not.toBe(-1);
    }
  }
});
