/** DescribeTopicPartitions over the network: pages and cursors. */
import { DescribeTopicPartitions, errorName } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { createTopic, startTestBroker } from '../testing/test-broker.ts';

type Cursor = readonly [topicName: string, partitionIndex: number];

async function start() {
  const broker = await startTestBroker({ limits: { maxDescribedPartitions: 3 } });
  for (const name of ['b', 'a', 'c']) await createTopic(broker, name);
  const connection = await broker.connect();
  return async (names: readonly string[], responsePartitionLimit: number, cursor?: Cursor) => {
    const answer = await connection.request(DescribeTopicPartitions, 0, {
      topics: names.map((name) => ({ name })),
      responsePartitionLimit,
      cursor: cursor ? { topicName: cursor[0], partitionIndex: cursor[1] } : null,
    });
    const topics = answer.topics.map(({ name, errorCode, partitions }) =>
      errorCode === 0 ? `${name} ${partitions.map((each) => each.partitionIndex)}` : `${name} ${errorName(errorCode)}`,
    );
    const next = answer.nextCursor && `${answer.nextCursor.topicName}-${answer.nextCursor.partitionIndex}`;
    return [topics, next];
  };
}

test('all topics come in order, page by page, never more than the broker’s limit', async () => {
  const page = await start();
  expect(await page([], 100)).toEqual([['a 0,1', 'b 0'], 'b-1']);
  expect(await page([], 100, ['b', 1])).toEqual([['b 1', 'c 0,1'], null]);
  expect(await page([], 2)).toEqual([['a 0,1'], 'b-0']);
  expect(await page([], -5)).toEqual([['a 0'], 'a-1']);
});

test('topics by name come once and in order, with errors for those that are none', async () => {
  const page = await start();
  expect(await page(['c', 'absent', 'a', 'no name', 'a'], 3)).toEqual([
    ['a 0,1', 'absent UNKNOWN_TOPIC_OR_PARTITION', 'c 0'],
    'c-1',
  ]);
  expect(await page(['no name'], 3)).toEqual([['no name INVALID_TOPIC_EXCEPTION'], null]);
});

test('a cursor may lie behind everything, but must be of a topic that was named', async () => {
  const page = await start();
  expect(await page(['b'], 3, ['b', 100])).toEqual([['b '], null]);
  expect(await page([], 3, ['bb', 7])).toEqual([['c 0,1'], null]);
  expect(await page(['a', 'b'], 3, ['c', 0])).toEqual([['a INVALID_REQUEST', 'b INVALID_REQUEST'], null]);
  expect(await page(['a'], 3, ['a', -1])).toEqual([['a INVALID_REQUEST'], null]);
});
