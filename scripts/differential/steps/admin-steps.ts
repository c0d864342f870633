/** Steps that create, change and delete topics and configs, with values that are wrong now and then. */
import {
  AlterConfigs,
  CreatePartitions,
  CreateTopics,
  DeleteTopics,
  ElectLeaders,
  IncrementalAlterConfigs,
  ZERO_UUID,
} from '@meridian/protocol';
import { type ScriptContext, type StepMaker, step, versionOf } from '../step.ts';

const TOPIC = 2;
const BAD_NAMES = ['', '.', '..', 'a b', 'ünicode', 'x'.repeat(250), 'a/b'];

/** Names with values that are taken or refused. */
const CONFIGS: readonly (readonly [string, readonly string[]])[] = [
  ['retention.ms', ['3600000', '-1', '-2', 'soon', '']],
  ['retention.bytes', ['-1', '1048576', 'x']],
  ['cleanup.policy', ['delete', 'compact', 'compact,delete', 'burn', '']],
  ['segment.bytes', ['1073741824', '14', '1048576']],
  ['segment.ms', ['604800000', '0', '1']],
  ['max.message.bytes', ['1000', '0', '-1', '1048588']],
  ['min.insync.replicas', ['1', '0', '2']],
  ['compression.type', ['producer', 'gzip', 'uncompressed', 'brotli']],
  ['message.timestamp.type', ['CreateTime', 'LogAppendTime', 'Never']],
  ['message.timestamp.after.max.ms', ['3600000', '0', '-1']],
  ['message.timestamp.before.max.ms', ['9223372036854775807', '86400000']],
  ['min.cleanable.dirty.ratio', ['0.5', '1.5', '0']],
  ['delete.retention.ms', ['86400000', '-1']],
  ['flush.messages', ['1', '0', '9223372036854775807']],
  ['unclean.leader.election.enable', ['true', 'false', 'maybe']],
  ['preallocate', ['false']],
  ['index.interval.bytes', ['4096', '-1']],
  ['file.delete.delay.ms', ['60000', '-1']],
  ['no.such.config', ['1']],
];

export function someConfig({ random }: ScriptContext): { name: string; value: string } {
  const [name, values] = random.pick(CONFIGS);
  return { name, value: random.oneIn(2) ? (values[0] as string) : random.pick(values) };
}

export const createTopics: StepMaker = (context) => {
  const { random, topics } = context;
  const count = random.oneIn(6) ? 2 : 1;
  const asked = Array.from({ length: count }, () => {
    const name = random.oneIn(12) ? random.pick(BAD_NAMES) : random.pick(topics);
    const assignments = random.oneIn(8) ? someAssignments(context) : [];
    const isAssigned = assignments.length > 0 && !random.oneIn(6);
    return {
      name,
      numPartitions: isAssigned ? -1 : random.pick([1, 1, 2, 3, -1, 0, -2]),
      replicationFactor: isAssigned ? -1 : random.pick([1, 1, 1, -1, 0, 2]),
      assignments,
      configs: Array.from({ length: random.below(3) }, () => someConfig(context)),
    };
  });
  const version = versionOf(random, CreateTopics, asked.some(({ numPartitions }) => numPartitions === -1) ? 4 : 2);
  const validateOnly = random.oneIn(8);
  return step(CreateTopics, version, () => ({ topics: asked, timeoutMs: 5_000, validateOnly }), {
    changesMetadata: true,
    keep: (side, answer) => {
      for (const { name, topicId } of answer.topics) if (topicId !== ZERO_UUID) side.topicIds.set(name, topicId);
    },
  });
};

/** The first topics of a script, which are sure to be made: most steps need one. */
export function createTopic(name: string, numPartitions: number): StepMaker {
  const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }];
  return () =>
    step(CreateTopics, 7, () => ({ topics, timeoutMs: 5_000 }), {
      changesMetadata: true,
      keep: (side, answer) => {
        for (const { name, topicId } of answer.topics) side.topicIds.set(name, topicId);
      },
    });
}

function someAssignments({ random }: ScriptContext): { partitionIndex: number; brokerIds: number[] }[] {
  const brokerIds = random.pick([[1], [1], [1], [2], [1, 1], []]);
  const indexes = random.pick([[0], [0, 1], [0, 2], [1], [0, 0]]);
  return indexes.map((partitionIndex) => ({ partitionIndex, brokerIds }));
}

export const createPartitions: StepMaker = ({ random, topics }) => {
  const name = random.oneIn(10) ? 'd-absent' : random.pick(topics);
  const count = random.pick([2, 3, 4, 5, 1, 0, -1]);
  const assignments = random.oneIn(4)
    ? random.pick([[{ brokerIds: [1] }], [{ brokerIds: [7] }], [], [{ brokerIds: [1] }, { brokerIds: [1] }]])
    : null;
  const validateOnly = random.oneIn(6);
  const topicsAsked = [{ name, count, assignments }, ...(random.oneIn(12) ? [{ name, count, assignments }] : [])];
  return step(
    CreatePartitions,
    versionOf(random, CreatePartitions),
    () => ({ topics: topicsAsked, timeoutMs: 5_000, validateOnly }),
    { changesMetadata: true },
  );
};

export const deleteTopics: StepMaker = ({ random, topics }) => {
  const name = random.oneIn(6) ? 'd-absent' : random.pick(topics);
  const version = versionOf(random, DeleteTopics);
  const byId = version >= 6 && random.oneIn(2);
  return step(
    DeleteTopics,
    version,
    (side) => ({
      topicNames: version < 6 ? [name] : [],
      topics: version < 6 ? [] : [byId ? { name: null, topicId: side.topicId(name) } : { name, topicId: ZERO_UUID }],
      timeoutMs: 5_000,
    }),
    { changesMetadata: true },
  );
};

export const incrementalAlterConfigs: StepMaker = (context) => {
  const { random, topics } = context;
  const configs = Array.from({ length: random.between(1, 2) }, () => {
    const { name, value } = someConfig(context);
    const configOperation = random.pick([0, 0, 0, 1, 2, 3, 4]);
    return { name, configOperation, value: configOperation === 1 && random.oneIn(2) ? null : value };
  });
  const resourceName = random.oneIn(10) ? 'd-absent' : random.pick(topics);
  const resources = [{ resourceType: random.oneIn(20) ? 9 : TOPIC, resourceName, configs }];
  const validateOnly = random.oneIn(6);
  return step(
    IncrementalAlterConfigs,
    versionOf(random, IncrementalAlterConfigs),
    () => ({ resources, validateOnly }),
    { changesMetadata: true },
  );
};

export const alterConfigs: StepMaker = (context) => {
  const { random, topics } = context;
  const configs = Array.from({ length: random.below(3) }, () => someConfig(context));
  const resources = [
    { resourceType: TOPIC, resourceName: random.oneIn(10) ? 'd-absent' : random.pick(topics), configs },
  ];
  return step(AlterConfigs, versionOf(random, AlterConfigs), () => ({ resources, validateOnly: false }), {
    changesMetadata: true,
  });
};

export const electLeaders: StepMaker = ({ random, topics }) => {
  const version = versionOf(random, ElectLeaders);
  const topicPartitions = [
    { topic: random.oneIn(5) ? 'd-absent' : random.pick(topics), partitions: [random.below(3)] },
  ];
  const electionType = version >= 1 && random.oneIn(3) ? 1 : 0;
  return step(ElectLeaders, version, () => ({ electionType, topicPartitions, timeoutMs: 5_000 }));
};
