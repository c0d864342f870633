import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import {
  type AddPartitionsToTxn,
  type DescribeProducers,
  ERROR,
  type RequestOf,
  type ResponseInput,
} from '@meridian/protocol';
import { expect, test } from 'vitest';
import { createClient } from './client.ts';
import { FakeBroker } from './testing/fake-broker.ts';

/** What a coordinator knows of one transactional id; markers are written later than EndTxn is answered. */
class FakeCoordinator {
  epoch = -1;
  partitions: string[] = [];
  polls = 0;
  pollsUntilComplete = 3;
  /** Epochs in the logs. */
  markers = new Map<string, number>();
  forgetsMarkers = false;
  refusals: Record<string, number[]> = {};

  private refusal(api: string): number {
    return this.refusals[api]?.shift() ?? ERROR.NONE;
  }

  readonly serves: Record<string, (body: never) => unknown> = {
    FindCoordinator: ({ coordinatorKeys }: { coordinatorKeys: string[] }) => ({
      coordinators: coordinatorKeys.map((key) => ({
        key,
        nodeId: 1,
        host: 'broker',
        port: 9093,
        errorCode: this.refusal('FindCoordinator'),
      })),
    }),
    InitProducerId: () => {
      const errorCode = this.refusal('InitProducerId');
      if (errorCode === ERROR.NONE) this.epoch++;
      return { errorCode, producerId: 4, producerEpoch: this.epoch };
    },
    AddPartitionsToTxn: (body: RequestOf<typeof AddPartitionsToTxn>): ResponseInput<typeof AddPartitionsToTxn> => {
      const partitionErrorCode = this.refusal('AddPartitionsToTxn');
      this.partitions = body.v3AndBelowTopics.flatMap(({ name, partitions }) => partitions.map((p) => `${name}/${p}`));
      const resultsByTopicV3AndBelow = body.v3AndBelowTopics.map(({ name, partitions }) => ({
        name,
        resultsByPartition: partitions.map((partitionIndex) => ({ partitionIndex, partitionErrorCode })),
      }));
      return { errorCode: 0, resultsByTransaction: [], resultsByTopicV3AndBelow };
    },
    EndTxn: () => {
      this.polls = 0;
      return { errorCode: this.refusal('EndTxn') };
    },
    DescribeTransactions: () => {
      const isComplete = ++this.polls > this.pollsUntilComplete;
      if (isComplete && !this.forgetsMarkers) for (const each of this.partitions) this.markers.set(each, this.epoch);
      this.forgetsMarkers &&= !isComplete;
      const state = {
        errorCode: ERROR.NONE,
        transactionalId: 'mirror',
        transactionState: isComplete ? 'CompleteAbort' : 'PrepareAbort',
        transactionTimeoutMs: 1,
        transactionStartTimeMs: -1,
        producerId: 4,
        producerEpoch: this.epoch,
        topics: [],
      };
      return { transactionStates: [state] };
    },
    DescribeProducers: (body: RequestOf<typeof DescribeProducers>): ResponseInput<typeof DescribeProducers> => ({
      topics: body.topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({
          partitionIndex,
          errorCode: ERROR.NONE,
          activeProducers: [
            { producerId: 4, producerEpoch: this.markers.get(`${name}/${partitionIndex}`) ?? -1, coordinatorEpoch: 0 },
          ],
        })),
      })),
    }),
  };
}

async function setUp() {
  const world = createSimWorld({ seed: 7 });
  const coordinator = new FakeCoordinator();
  const broker = new FakeBroker({ host: 'broker', port: 9093, serves: coordinator.serves });
  await world.settle(broker.start(world.node('broker').boot()));
  broker.createTopic('cities', 2);
  broker.createTopic('runs', 1);
  const io = world.node('client').boot();
  const bootstrap = [{ host: 'broker', port: 9093 }];
  const client = createClient({ io, bootstrap, clientId: 'test', log: silentLogger });
  const partitions = [
    { topic: 'cities', partition: 1 },
    { topic: 'runs', partition: 0 },
  ];
  const fence = () => world.settle(client.fence('mirror', partitions).catch((error) => error.code));
  return { world, broker, coordinator, fence };
}

test('a fence returns once the markers of its epoch are in every log, and not before', async () => {
  const { coordinator, fence } = await setUp();
  expect(await fence()).toEqual({ producerId: 4, producerEpoch: 0 });
  expect([...coordinator.markers]).toEqual([
    ['cities/1', 0],
    ['runs/0', 0],
  ]);
});

test('a coordinator that is moving, loading or ending the predecessor’s transaction is waited for', async () => {
  const { coordinator, fence } = await setUp();
  coordinator.refusals = {
    FindCoordinator: [ERROR.COORDINATOR_NOT_AVAILABLE],
    InitProducerId: [
      ERROR.NOT_COORDINATOR,
      ERROR.COORDINATOR_LOAD_IN_PROGRESS,
      ...Array(9).fill(ERROR.CONCURRENT_TRANSACTIONS),
    ],
    AddPartitionsToTxn: [ERROR.CONCURRENT_TRANSACTIONS],
  };
  expect(await fence()).toEqual({ producerId: 4, producerEpoch: 1 });
});

test('a transaction that is complete without its markers is fenced anew', async () => {
  const { coordinator, fence } = await setUp();
  coordinator.forgetsMarkers = true;
  expect(await fence()).toEqual({ producerId: 4, producerEpoch: 1 });
  expect(coordinator.markers.get('cities/1')).toBe(1);
});

test('a connection that breaks half-way costs another attempt', async () => {
  const { broker, fence } = await setUp();
  let drops = 1;
  broker.intercept = (api) => (api === 'EndTxn' && drops-- > 0 ? 'drop' : undefined);
  expect(await fence()).toMatchObject({ producerId: 4 });
});

test('whoever was fenced meanwhile is told so, and who may not is refused', async () => {
  const { coordinator, fence } = await setUp();
  coordinator.refusals = { EndTxn: [ERROR.PRODUCER_FENCED] };
  expect(await fence()).toBe('fenced');
  coordinator.refusals = { InitProducerId: [ERROR.TRANSACTIONAL_ID_AUTHORIZATION_FAILED] };
  expect(await fence()).toBe('refused');
});

test('markers that are not written in time make it begin anew until the time of the call is over', async () => {
  const { world, coordinator, fence } = await setUp();
  coordinator.pollsUntilComplete = Number.POSITIVE_INFINITY;
  expect(await fence()).toBe('timeout');
  expect(world.now()).toBeLessThan(20_000);
});
