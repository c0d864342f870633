/** Three replicas of one partition: what followers get, who is in sync, what is committed, and what a new leader knows. */
import { ERROR } from '@meridian/protocol';
import { readBatchHeader } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { batchOf, valuesOf } from '../testing/batches.ts';
import { type ReplicaNode, ReplicaSet, type ReplicaSetOptions } from '../testing/replica-set.ts';

async function settledSet(options: ReplicaSetOptions = {}): Promise<ReplicaSet> {
  const set = new ReplicaSet(options);
  expect(await set.world.runUntil(() => set.isSettled && set.leader.partition.isLeader, 5_000)).toBe(true);
  return set;
}

const settle = async (set: ReplicaSet): Promise<void> => {
  expect(await set.world.runUntil(() => set.isSettled, 20_000)).toBe(true);
};

const valuesIn = ({ partition: { log } }: ReplicaNode): string[] => {
  const values: string[] = [];
  for (let at = log.startOffset; at < log.endOffset; ) {
    const { buffers, nextOffset } = log.read(at, { maxBytes: 1_000_000, minOneBatch: true });
    values.push(...valuesOf(buffers));
    at = nextOffset;
  }
  return values;
};

const allValues = (set: ReplicaSet): string[][] => [...set.nodes.values()].map(valuesIn);

test('what is acknowledged by all is in every log, and followers know that it is committed', async () => {
  const set = await settledSet();
  for (const value of ['a', 'b', 'c']) {
    const { errorCode } = await set.world.settle(set.leader.produce(batchOf([value])));
    expect(errorCode).toBe(ERROR.NONE);
    expect(allValues(set).every((values) => values.at(-1) === value)).toBe(true);
  }
  await settle(set);
  expect(allValues(set)).toEqual([1, 2, 3].map(() => ['a', 'b', 'c']));
});

test('a quiet follower hears of a high watermark without waiting for its poll to end', async () => {
  const set = await settledSet();
  await set.world.settle(set.leader.produce(batchOf(['a'])));
  const begunMs = set.world.now();
  await settle(set);
  expect(set.world.now() - begunMs).toBeLessThan(50);
});

test('a follower that is gone leaves the in-sync set, the others go on, and it comes back with all that it missed', async () => {
  const set = await settledSet();
  set.node(3).kill('kill');
  const produced = await set.world.settle(set.leader.produce(batchOf(['a']), { timeoutMs: 5_000 }));
  expect(produced.errorCode).toBe(ERROR.NONE);
  expect(set.controller.state.isr).toEqual([1, 2]);
  set.node(3).restart();
  await settle(set);
  expect(allValues(set)).toEqual([['a'], ['a'], ['a']]);
});

test('with too few in sync nothing is committed, and acks=all is refused', async () => {
  const set = await settledSet();
  set.controller.fence(2);
  set.controller.fence(3);
  set.cut(1, 2);
  set.cut(1, 3);
  await set.run(20);
  expect((await set.world.settle(set.leader.produce(batchOf(['a'])))).errorCode).toBe(ERROR.NOT_ENOUGH_REPLICAS);
  expect(await set.world.settle(set.leader.produce(batchOf(['b']), { acks: 1 }))).toMatchObject({ baseOffset: 0 });
  await set.run(100);
  expect(set.leader.partition.highWatermark).toBe(0);
  set.cuts.clear();
  set.node(2).restart();
  set.node(3).restart();
  await settle(set);
  expect(set.leader.partition.highWatermark).toBe(1);
});

test('a leader that is cut off keeps what it wrote to itself, and loses it when it follows again', async () => {
  const set = await settledSet();
  await set.world.settle(set.leader.produce(batchOf(['a'])));
  const old = set.node(1);
  for (const other of [0, 2, 3]) set.cut(1, other);
  const lost = old.produce(batchOf(['lost']), { timeoutMs: 200 });
  expect(await set.world.settle(old.produce(batchOf(['lost too']), { acks: 1 }))).toMatchObject({ baseOffset: 2 });
  set.controller.fence(1);
  expect((await set.world.settle(lost)).errorCode).toBe(ERROR.REQUEST_TIMED_OUT);
  expect(set.leader.id).toBe(2);
  expect((await set.world.settle(set.leader.produce(batchOf(['b'])))).errorCode).toBe(ERROR.NONE);
  expect(valuesIn(old)).toEqual(['a', 'lost', 'lost too']);
  expect(old.partition.highWatermark).toBe(1);
  set.cuts.clear();
  old.kill('kill');
  old.restart();
  await settle(set);
  expect(allValues(set)).toEqual([1, 2, 3].map(() => ['a', 'b']));
  const epochs = [...set.nodes.values()].map(({ partition }) => partition.log.epochs.entries);
  expect(epochs[1]).toEqual(epochs[0]);
});

test('a producer that sends again after a change of leaders is known to the new one', async () => {
  const set = await settledSet();
  const batch = (sequence: number) =>
    batchOf([`${sequence}`], { producerId: 7, producerEpoch: 0, baseSequence: sequence });
  for (let sequence = 0; sequence < 6; sequence++) {
    await set.world.settle(set.leader.produce(batch(sequence)));
  }
  set.controller.moveLeader(3);
  await set.run(50);
  for (let sequence = 1; sequence < 6; sequence++) {
    expect(await set.world.settle(set.leader.produce(batch(sequence)))).toMatchObject({
      errorCode: ERROR.NONE,
      baseOffset: sequence,
    });
  }
  expect(await set.world.settle(set.leader.produce(batch(0)))).toMatchObject({
    errorCode: ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER,
  });
  expect(await set.world.settle(set.leader.produce(batch(6)))).toMatchObject({ baseOffset: 6 });
});

test('with durability fsync a record is acknowledged when all in sync have it on their disks', async () => {
  const set = await settledSet({ settings: { fsync: true } });
  for (const { machine } of set.nodes.values()) machine.setSyncLatency([5, 20]);
  for (const value of ['a', 'b', 'c']) {
    await set.world.settle(set.leader.produce(batchOf([value])));
    expect([...set.nodes.values()].map(({ partition }) => partition.log.durableEnd)).toEqual(
      [1, 2, 3].map(() => set.leader.partition.log.endOffset),
    );
  }
});

test('a follower begins where its leader’s log begins, and its start moves with the leader’s', async () => {
  const set = await settledSet();
  set.node(3).kill('powerLoss');
  for (const value of ['a', 'b', 'c', 'd'])
    await set.world.settle(set.leader.produce(batchOf([value]), { timeoutMs: 5_000 }));
  set.node(3).restart();
  await settle(set);
  const deleted = set.leader.partition.deleteRecords(2, { asMirror: false, timeoutMs: 5_000 });
  expect(await set.world.settle(Promise.resolve(deleted))).toBe(ERROR.NONE);
  expect([...set.nodes.values()].map(({ partition }) => partition.log.startOffset)).toEqual([2, 2, 2]);
  set.node(2).kill('kill');
  set.node(2).machine.wipe();
  await set.run(1_000);
  set.node(2).restart();
  await settle(set);
  expect(set.node(2).partition.log.startOffset).toBe(2);
  expect(allValues(set)).toEqual([1, 2, 3].map(() => ['c', 'd']));
});

test('a batch that was damaged on its way is fetched again and never written', async () => {
  const set = await settledSet();
  const { log } = set.node(1).partition;
  const read = log.read.bind(log);
  let damages = 2;
  log.read = (offset, options) => {
    const result = read(offset, options);
    if (damages-- <= 0) return result;
    const buffers = result.buffers.map((buffer) => Buffer.from(buffer));
    buffers[0]!.writeUInt8(buffers[0]!.readUInt8(70) ^ 1, 70);
    return { ...result, buffers };
  };
  const { errorCode } = await set.world.settle(set.leader.produce(batchOf(['a value of some length'])));
  expect(errorCode).toBe(ERROR.NONE);
  await settle(set);
  expect(damages).toBeLessThan(0);
  expect(allValues(set)).toEqual([1, 2, 3].map(() => ['a value of some length']));
});

test('batches have their leaders’ epochs in every log', async () => {
  const set = await settledSet();
  for (const leader of [2, 3, 1]) {
    await set.world.settle(set.leader.produce(batchOf(['x'])));
    set.controller.moveLeader(leader);
    await set.run(30);
  }
  await set.world.settle(set.leader.produce(batchOf(['x'])));
  await settle(set);
  for (const { partition } of set.nodes.values()) {
    const headers = [0, 1, 2, 3].map((offset) => {
      const { buffers } = partition.log.read(offset, { maxBytes: 1, minOneBatch: true });
      return readBatchHeader(buffers[0]!);
    });
    expect(headers.map(({ partitionLeaderEpoch }) => partitionLeaderEpoch)).toEqual([0, 1, 2, 3]);
  }
});

test('a copy goes on at its origin’s offsets under another leader, which knows the origin’s epochs', async () => {
  const originTopicId = '00000000-0000-4000-8000-00000000000f';
  const set = await settledSet({ settings: { originTopicId, writer: 'mirror' } });
  const born = (baseOffset: number, leaderEpoch: number) => batchOf([`${baseOffset}`], { baseOffset, leaderEpoch });
  const mirror = (offset: number, epoch: number, expectedEnd = offset) =>
    set.world.settle(set.leader.produceMirrored(born(offset, epoch), originTopicId, expectedEnd));
  expect((await mirror(0, 4)).errorCode).toBe(ERROR.NONE);
  expect((await mirror(1, 7)).errorCode).toBe(ERROR.NONE);
  expect((await mirror(5, 7, 2)).errorCode).toBe(ERROR.NONE);
  const expected = [
    { epoch: 4, startOffset: 0 },
    { epoch: 7, startOffset: 1 },
  ];
  for (const { partition } of set.nodes.values()) expect(partition.log.originEpochs.entries).toEqual(expected);
  set.controller.moveLeader(2);
  await set.run(50);
  expect((await mirror(1, 7)).errorCode).toBe(ERROR.OFFSET_OUT_OF_RANGE);
  expect((await mirror(6, 9)).errorCode).toBe(ERROR.NONE);
  await settle(set);
  expect(allValues(set)).toEqual([1, 2, 3].map(() => ['0', '1', '5', '6']));
  for (const { partition } of set.nodes.values()) {
    expect(partition.log.originEpochs.entries).toEqual([...expected, { epoch: 9, startOffset: 6 }]);
  }
});

test('a follower of a copy whose disk does not take the origin’s epochs is offline, and asks no more', async () => {
  const originTopicId = '00000000-0000-4000-8000-00000000000f';
  const set = await settledSet({ settings: { originTopicId, writer: 'mirror' } });
  const { machine, partition } = set.node(3);
  machine.failNextSync(1_000);
  const born = batchOf(['0'], { baseOffset: 0, leaderEpoch: 4 });
  const produced = await set.world.settle(set.leader.produceMirrored(born, originTopicId, 0));
  expect(produced.errorCode).toBe(ERROR.NONE);
  expect([partition.hasEnded, partition.replicaAsk, set.controller.state.isr]).toEqual([true, undefined, [1, 2]]);
});
