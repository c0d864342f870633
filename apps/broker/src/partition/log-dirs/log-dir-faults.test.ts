/** Log dirs that fail, fill and come back at random, over crashes and stops: no acknowledged record is ever missing. */
import { below } from '@meridian/io/sim';
import { ERROR, Fetch, Produce } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf, produceOf, valuesOf } from '../../testing/batches.ts';
import { createTopic, fetchOf, startTestBroker, type TestBroker, type TestTopic } from '../../testing/test-broker.ts';

const SEEDS = Array.from({ length: 12 }, (_, seed) => seed);
const ROUNDS = 8;
const RECORDS_PER_ROUND = 12;
const OTHER_DIRS = ['/b', '/c'];

async function produce(broker: TestBroker, topic: TestTopic, index: number, value: string): Promise<number> {
  const client = await broker.connect();
  const answer = await client.request(Produce, 9, produceOf(topic.name, batchOf([value]), { index }));
  client.socket.end();
  return answer.responses[0]!.partitionResponses[0]!.errorCode;
}

async function fetch(broker: TestBroker, topic: TestTopic, index: number): Promise<string[]> {
  const client = await broker.connect();
  const answer = await client.request(Fetch, 12, fetchOf(topic, { fetchOffset: 0, maxWaitMs: 1 }, [index]));
  client.socket.end();
  const { errorCode, records } = answer.responses[0]!.partitions[0]!;
  expect(errorCode).toBe(ERROR.NONE);
  return valuesOf(records);
}

/** Something goes wrong with one of the dirs, or with the next call on any of them. */
function harm({ node, world }: TestBroker): void {
  const dir = OTHER_DIRS[below(world.random, OTHER_DIRS.length)]!;
  const kind = below(world.random, 4);
  if (kind === 0) node.setFolderFailed(dir, true);
  else if (kind === 1) node.setFolderFull(dir, true);
  else if (kind === 2) node.failNextWrite();
  else node.failNextSync();
}

async function comeBack(broker: TestBroker): Promise<void> {
  const { node, world } = broker;
  const kind = below(world.random, 3);
  if (kind === 0) await world.settle(broker.broker.stop());
  else if (kind === 1) node.kill();
  else node.powerLoss();
  for (const dir of OTHER_DIRS) {
    node.setFolderFull(dir, false);
    // Some dirs are still away at the next start.
    if (below(world.random, 3) > 0) node.setFolderFailed(dir, false);
  }
  await broker.restart();
}

test.each(SEEDS)('whatever fails, what was acknowledged is there in the end, seed %i', async (seed) => {
  const broker = await startTestBroker({ seed, config: { logDirs: OTHER_DIRS } });
  const topics: TestTopic[] = [];
  for (const name of ['one', 'two', 'three']) {
    topics.push(await createTopic(broker, name, { 'meridian.durability': 'fsync' }));
  }
  const acknowledged = new Map<string, string[]>();
  for (let round = 0; round < ROUNDS; round++) {
    for (let n = 0; n < RECORDS_PER_ROUND; n++) {
      if (n === RECORDS_PER_ROUND / 2) harm(broker);
      const topic = topics[below(broker.world.random, topics.length)]!;
      const index = below(broker.world.random, 2);
      const value = `${round}.${n}`;
      const errorCode = await produce(broker, topic, index, value);
      const key = `${topic.name}-${index}`;
      if (errorCode === ERROR.NONE) acknowledged.set(key, [...(acknowledged.get(key) ?? []), value]);
      else expect(errorCode).toBe(ERROR.KAFKA_STORAGE_ERROR);
      if (broker.fatal.length > 0) break; // the metadata log was hit: the process would have ended
    }
    broker.fatal.length = 0;
    await comeBack(broker);
  }
  for (const dir of OTHER_DIRS) broker.node.setFolderFailed(dir, false);
  await broker.world.settle(broker.broker.stop());
  await broker.restart();
  let count = 0;
  for (const topic of topics) {
    for (const index of [0, 1]) {
      const kept = acknowledged.get(`${topic.name}-${index}`) ?? [];
      const found = await fetch(broker, topic, index);
      expect(found.filter((value) => kept.includes(value))).toEqual(kept);
      count += kept.length;
    }
  }
  expect(count).toBeGreaterThan(ROUNDS);
});
