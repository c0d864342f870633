/** What administrators ask for that one open broker has none of: answered as Apache Kafka does where it is off. */
import {
  AlterPartitionReassignments,
  AlterReplicaLogDirs,
  CreateAcls,
  DeleteAcls,
  DescribeAcls,
  DescribeClientQuotas,
  DescribeTransactions,
  DescribeUserScramCredentials,
  errorName,
  ListPartitionReassignments,
  ListTransactions,
} from '@meridian/protocol';
import { expect, test } from 'vitest';
import { createTopic, startTestBroker } from '../testing/test-broker.ts';

const ANY = {
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
};
const RULE = {
  resourceType: 2,
  resourceName: 'orders',
  principal: 'User:a',
  host: '*',
  operation: 3,
  permissionType: 3,
};

async function startWithTopic() {
  const broker = await startTestBroker();
  await createTopic(broker, 'orders');
  return broker.connect();
}

test.each([1, 2, 3])('ACLs v%i are told to be off', async (version) => {
  const connection = await startWithTopic();
  const described = await connection.request(DescribeAcls, version, ANY);
  expect(errorName(described.errorCode)).toBe('SECURITY_DISABLED');
  const { results } = await connection.request(CreateAcls, version, { creations: [RULE, RULE] });
  expect(results.map(({ errorCode }) => errorName(errorCode))).toEqual(['SECURITY_DISABLED', 'SECURITY_DISABLED']);
  const { filterResults } = await connection.request(DeleteAcls, version, { filters: [ANY] });
  expect(filterResults.map(({ errorCode }) => errorName(errorCode))).toEqual(['SECURITY_DISABLED']);
});

test.each([1, 2])('AlterReplicaLogDirs v%i leaves a replica where it lies', async (version) => {
  const connection = await startWithTopic();
  const topics = [
    { name: 'orders', partitions: [0, 9] },
    { name: 'absent', partitions: [0] },
  ];
  const place = async (path: string) => {
    const { results } = await connection.request(AlterReplicaLogDirs, version, { dirs: [{ path, topics }] });
    return results.map(({ partitions }) => partitions.map(({ errorCode }) => errorName(errorCode)));
  };
  expect(await place('/data')).toEqual([['NONE', 'UNKNOWN_TOPIC_OR_PARTITION'], ['UNKNOWN_TOPIC_OR_PARTITION']]);
  expect(await place('/elsewhere')).toEqual([['LOG_DIR_NOT_FOUND', 'LOG_DIR_NOT_FOUND'], ['LOG_DIR_NOT_FOUND']]);
});

test.each([0, 1])(
  'AlterPartitionReassignments v%i takes the replicas that a partition has, and no others',
  async (version) => {
    const connection = await startWithTopic();
    const reassign = async (name: string, partitionIndex: number, replicas: number[] | null) => {
      const topics = [{ name, partitions: [{ partitionIndex, replicas }] }];
      const { errorCode, responses } = await connection.request(AlterPartitionReassignments, version, { topics });
      expect(errorCode).toBe(0);
      return errorName(responses[0]!.partitions[0]!.errorCode);
    };
    expect(await reassign('orders', 0, [1])).toBe('NONE');
    expect(await reassign('orders', 0, [2])).toBe('INVALID_REPLICA_ASSIGNMENT');
    expect(await reassign('orders', 0, [1, 1])).toBe('INVALID_REPLICA_ASSIGNMENT');
    expect(await reassign('orders', 0, [])).toBe('INVALID_REPLICA_ASSIGNMENT');
    expect(await reassign('orders', 0, null)).toBe('NO_REASSIGNMENT_IN_PROGRESS');
    expect(await reassign('orders', 9, [1])).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(await reassign('absent', 0, [1])).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  },
);

test('no reassignment is under way', async () => {
  const connection = await startWithTopic();
  const topics = [{ name: 'orders', partitionIndexes: [0] }];
  for (const asked of [{}, { topics }]) {
    expect(await connection.request(ListPartitionReassignments, 0, asked)).toMatchObject({ errorCode: 0, topics: [] });
  }
});

test.each([0, 1])('DescribeClientQuotas v%i finds no quotas, and says what is wrong with a filter', async (version) => {
  const connection = await startWithTopic();
  const describe = async (...list: [entityType: string, matchType: number, match: string | null][]) => {
    const components = list.map(([entityType, matchType, match]) => ({ entityType, matchType, match }));
    const answer = await connection.request(DescribeClientQuotas, version, { components, strict: false });
    expect(answer.entries).toEqual(answer.errorCode === 0 ? [] : null);
    return answer.errorMessage ?? errorName(answer.errorCode);
  };
  expect(await describe()).toBe('NONE');
  expect(await describe(['user', 0, 'bob'], ['client-id', 1, null])).toBe('NONE');
  expect(await describe(['ip', 2, null])).toBe('NONE');
  expect(await describe(['user', 2, null], ['user', 2, null])).toMatch(/more than once/);
  expect(await describe(['ip', 2, null], ['user', 2, null])).toMatch(/IP filter component/);
  expect(await describe(['planet', 2, null])).toBe('Unsupported entity type planet');
  expect(await describe(['', 2, null])).toBe('Invalid empty entity type.');
  expect(await describe(['user', 0, null])).toMatch(/MATCH_TYPE_EXACT/);
  expect(await describe(['user', 1, 'bob'])).toMatch(/MATCH_TYPE_DEFAULT/);
  expect(await describe(['user', 7, null])).toBe('Unknown match type 7');
});

test('nobody has SCRAM credentials', async () => {
  const connection = await startWithTopic();
  const describe = async (users: { name: string }[] | null) => {
    const { results } = await connection.request(DescribeUserScramCredentials, 0, { users });
    return results.map(({ user, errorCode }) => [user, errorName(errorCode)]);
  };
  expect(await describe(null)).toEqual([]);
  expect(await describe([])).toEqual([]);
  expect(await describe([{ name: 'a' }, { name: 'b' }, { name: 'b' }])).toEqual([
    ['a', 'RESOURCE_NOT_FOUND'],
    ['b', 'DUPLICATE_RESOURCE'],
  ]);
});

test.each([0, 1, 2])('ListTransactions v%i finds none, and says what is wrong with its filters', async (version) => {
  const connection = await startWithTopic();
  const filter = { stateFilters: ['Ongoing', 'Asleep'], producerIdFilters: [] };
  const found = await connection.request(ListTransactions, version, filter);
  expect(found).toMatchObject({ errorCode: 0, unknownStateFilters: ['Asleep'], transactionStates: [] });
  if (version < 2) return;
  const refused = await connection.request(ListTransactions, version, { ...filter, transactionalIdPattern: '(a' });
  expect(errorName(refused.errorCode)).toBe('INVALID_REGULAR_EXPRESSION');
});

test('no transactional id is known', async () => {
  const connection = await startWithTopic();
  const { transactionStates } = await connection.request(DescribeTransactions, 0, { transactionalIds: ['pay', ''] });
  const told = transactionStates.map(({ transactionalId, errorCode }) => [transactionalId, errorName(errorCode)]);
  expect(told).toEqual([
    ['pay', 'TRANSACTIONAL_ID_NOT_FOUND'],
    ['', 'INVALID_REQUEST'],
  ]);
});
