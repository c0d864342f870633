/** Steps that only ask: metadata, configs, offsets, producers, log dirs. Their answers may come late from Apache Kafka. */
import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  AddRaftVoter,
  APIS,
  ApiVersions,
  DescribeCluster,
  DescribeLogDirs,
  DescribeProducers,
  DescribeQuorum,
  DescribeTopicPartitions,
  EndTxn,
  FindCoordinator,
  ListOffsets,
  Metadata,
  OffsetForLeaderEpoch,
  RemoveRaftVoter,
  TxnOffsetCommit,
  UnregisterBroker,
  UpdateFeatures,
  WriteTxnMarkers,
  ZERO_UUID,
} from '@meridian/protocol';
import { type ScriptContext, type StepMaker, step, versionOf } from '../step.ts';

export const someTopic = ({ random, topics }: ScriptContext): string =>
  random.oneIn(10) ? 'd-absent' : random.pick(topics);

export const metadata: StepMaker = (context) => {
  const { random } = context;
  const version = versionOf(random, Metadata, 4);
  const name = someTopic(context);
  const byId = version >= 12 && random.oneIn(3);
  const flags = {
    allowAutoTopicCreation: false,
    includeTopicAuthorizedOperations: version >= 8 && random.oneIn(2),
    includeClusterAuthorizedOperations: version >= 8 && version <= 10 && random.oneIn(2),
  };
  return step(
    Metadata,
    version,
    (side) => ({ topics: [byId ? { topicId: side.topicId(name), name: null } : { name }], ...flags }),
    { isRead: true },
  );
};

/** Brings a topic of the script into being, unless it is there. */
export const autoCreate: StepMaker = ({ random, topics }) => {
  const name = random.oneIn(6) ? random.pick(['a b', '', '..']) : random.pick(topics);
  const version = versionOf(random, Metadata, 4);
  return step(Metadata, version, () => ({ topics: [{ name }], allowAutoTopicCreation: true }), {
    isRead: true,
    changesMetadata: true,
    keep: (side, answer) => {
      for (const topic of answer.topics) if (topic.topicId !== ZERO_UUID) side.topicIds.set(name, topic.topicId);
    },
  });
};

export const listOffsets: StepMaker = (context) => {
  const { random, now } = context;
  const version = versionOf(random, ListOffsets);
  const name = someTopic(context);
  const timestamp = random.pick([-1, -2, -1, -2, -3, -4, -5, -6, -7, 0, now, now - 5_000, now + 5_000, now + 60_000]);
  const currentLeaderEpoch = version >= 4 && random.oneIn(5) ? random.pick([0, 5]) : -1;
  const partitions = [{ partitionIndex: random.below(3), currentLeaderEpoch, timestamp }];
  if (random.oneIn(12)) partitions.push({ ...partitions[0]! });
  const isolationLevel = random.below(2);
  return step(
    ListOffsets,
    version,
    () => ({
      replicaId: -1,
      topics: [{ name, partitions }],
      ...(version >= 2 ? { isolationLevel } : {}),
    }),
    { isRead: true },
  );
};

export const offsetForLeaderEpoch: StepMaker = (context) => {
  const { random } = context;
  const partition = random.below(3);
  const partitions = [
    { partition, currentLeaderEpoch: random.pick([-1, -1, 0, 3]), leaderEpoch: random.pick([0, 0, 1, -1, 7]) },
  ];
  const topics = [{ topic: someTopic(context), partitions }];
  const version = versionOf(random, OffsetForLeaderEpoch);
  return step(OffsetForLeaderEpoch, version, () => ({ ...(version >= 3 ? { replicaId: -1 } : {}), topics }), {
    isRead: true,
  });
};

export const describeProducers: StepMaker = (context) => {
  const topics = [{ name: someTopic(context), partitionIndexes: [context.random.below(3)] }];
  return step(DescribeProducers, 0, () => ({ topics }));
};

export const describeTopicPartitions: StepMaker = (context) => {
  const { random } = context;
  const names = [...new Set([someTopic(context), someTopic(context)])];
  const responsePartitionLimit = random.pick([2000, 1, 2]);
  const cursor = random.oneIn(4) ? { topicName: names[0]!, partitionIndex: random.below(3) } : null;
  return step(
    DescribeTopicPartitions,
    0,
    () => ({ topics: names.map((name) => ({ name })), responsePartitionLimit, cursor }),
    { isRead: true },
  );
};

export const describeLogDirs: StepMaker = (context) => {
  const topics = [{ topic: someTopic(context), partitions: [0, 1] }];
  return step(DescribeLogDirs, versionOf(context.random, DescribeLogDirs), () => ({ topics }), { isRead: true });
};

export const describeCluster: StepMaker = ({ random }) => {
  const version = versionOf(random, DescribeCluster);
  const endpointType = version >= 1 ? random.pick([1, 1, 2, 9]) : 1;
  const includeClusterAuthorizedOperations = random.oneIn(2);
  return step(DescribeCluster, version, () => ({ includeClusterAuthorizedOperations, endpointType }));
};

export const findCoordinator: StepMaker = ({ random, groups }) => {
  const version = versionOf(random, FindCoordinator);
  const keyType = version >= 1 && random.oneIn(6) ? random.pick([2, 9]) : 0;
  const keys = random.pick([[groups[0]!], [groups[0]!, groups[1]!], [''], []]);
  return step(
    FindCoordinator,
    version,
    () => ({
      ...(version >= 4 ? { coordinatorKeys: keys } : { key: keys[0] ?? '' }),
      ...(version >= 1 ? { keyType } : {}),
    }),
    { isRead: true },
  );
};

/** Leader and epochs have counted elections and changes of their own: what is there, and the errors, are compared. */
export const describeQuorum: StepMaker = ({ random }) => {
  const topicName = random.oneIn(4) ? 'd-absent' : '__cluster_metadata';
  const topics = [{ topicName, partitions: [{ partitionIndex: random.oneIn(4) ? 1 : 0 }] }];
  return step(DescribeQuorum, versionOf(random, DescribeQuorum), () => ({ topics }), {
    narrow: ({ errorCode, topics: told }) => ({
      errorCode,
      topics: told.map(({ topicName: name, partitions }) => ({
        name,
        partitions: partitions.map((each) => ({
          index: each.partitionIndex,
          errorCode: each.errorCode,
          leader: each.leaderId,
          voters: each.currentVoters.map(({ replicaId }) => replicaId),
          observers: each.observers.map(({ replicaId }) => replicaId),
        })),
      })),
    }),
  });
};

/** Declared for brokers, controllers and our client, told by Apache Kafka to everybody, and not served here. */
const UNSERVED = [
  UpdateFeatures,
  UnregisterBroker,
  AddRaftVoter,
  RemoveRaftVoter,
  AddPartitionsToTxn,
  AddOffsetsToTxn,
  EndTxn,
  WriteTxnMarkers,
  TxnOffsetCommit,
].map(({ key }) => key);

/** Of the APIs that both have; Apache Kafka has more. */
export const apiVersions: StepMaker = ({ random }) => {
  const version = versionOf(random, ApiVersions);
  const clientSoftwareName = random.pick(['differential', 'differential', '', '-a', 'a b']);
  const client = version >= 3 ? { clientSoftwareName, clientSoftwareVersion: '1' } : {};
  const known = new Set(APIS.map(({ key }) => key).filter((key) => !UNSERVED.includes(key)));
  return step(ApiVersions, version, () => client, {
    narrow: ({ errorCode, apiKeys }) => ({
      errorCode,
      versions: apiKeys
        .filter(({ apiKey }) => known.has(apiKey))
        .map(({ apiKey, minVersion, maxVersion }) => `${apiKey}: ${minVersion}..${maxVersion}`)
        .sort(),
    }),
  });
};
