/** Steps that create, change and delete topics, with values that are wrong now and then. */
import { CreatePartitions, CreateTopics, DeleteTopics, ElectLeaders, ZERO_UUID } from '@meridian/protocol';
import { type ScriptContext, type StepMaker, step, versionOf } from '../step.ts';
import { someConfig } from './config-steps.ts';

const BAD_NAMES = ['', '.', '..', 'a b', 'ünicode', 'x'.repeat(250), 'a/b'];

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
      configs: Array.from({ length: random.below(3) }, () => {
        const { name, value } = someConfig(context);
        return { name, value: random.oneIn(20) ? null : value };
      }),
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

export const electLeaders: StepMaker = ({ random, topics }) => {
  const version = versionOf(random, ElectLeaders);
  const topicPartitions = [
    { topic: random.oneIn(5) ? 'd-absent' : random.pick(topics), partitions: [random.below(3)] },
  ];
  const electionType = version >= 1 && random.oneIn(3) ? 1 : 0;
  return step(ElectLeaders, version, () => ({ electionType, topicPartitions, timeoutMs: 5_000 }));
};
