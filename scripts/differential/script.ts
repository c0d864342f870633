/** Draws a script from a seed: two topics that are sure to be there, then steps of every kind by their weights. */
import { SeededRandom } from './seeded-random.ts';
import type { ScriptContext, Step, StepMaker } from './step.ts';
import * as admin from './steps/admin-steps.ts';
import * as config from './steps/config-steps.ts';
import * as group from './steps/group-steps.ts';
import * as story from './steps/group-stories.ts';
import * as read from './steps/read-steps.ts';
import * as records from './steps/record-steps.ts';

const STEPS_PER_SCRIPT = 30;

const WEIGHTS: readonly (readonly [StepMaker, number])[] = [
  [admin.createTopics, 5],
  [admin.createPartitions, 3],
  [admin.deleteTopics, 1],
  [admin.electLeaders, 1],
  [config.incrementalAlterConfigs, 6],
  [config.alterConfigs, 2],
  [config.tryBrokerConfigs, 1],
  [config.describeConfigs, 5],
  [config.describeBroker, 2],
  [config.listConfigResources, 1],
  [read.metadata, 3],
  [read.autoCreate, 1],
  [read.listOffsets, 6],
  [read.offsetForLeaderEpoch, 3],
  [read.describeProducers, 2],
  [read.describeTopicPartitions, 3],
  [read.describeLogDirs, 2],
  [read.describeCluster, 1],
  [read.describeQuorum, 1],
  [read.apiVersions, 1],
  [read.findCoordinator, 2],
  [records.produce, 12],
  [records.produceIdempotent, 6],
  [records.initProducerId, 2],
  [records.fetch, 10],
  [records.fetchInSession, 6],
  [records.deleteRecords, 3],
  [group.offsetCommit, 6],
  [group.offsetFetch, 5],
  [group.joinGroup, 6],
  [group.syncGroup, 4],
  [group.heartbeat, 3],
  [group.leaveGroup, 2],
  [group.describeGroups, 3],
  [group.listGroups, 2],
  [group.deleteGroups, 2],
  [group.offsetDelete, 2],
  [story.twoMembers, 2],
  [story.staticMember, 2],
  [story.silentMember, 1],
];

const LOTS = WEIGHTS.flatMap(([maker, weight]) => Array.from({ length: weight }, () => maker));

export interface Script {
  readonly steps: readonly Step[];
  /** All topics that it may make. */
  readonly topics: readonly string[];
}

/** No two runs share names: brokers that run already may remember those of before. */
const RUN = `x${(Date.now() % 36 ** 4).toString(36)}`;

/** The same steps for the same seed; `label` and `now` go into names and timestamps alone. */
export function drawScript(seed: number, now: number, label: string): Script {
  const random = new SeededRandom(seed);
  const names = (kind: string, count: number) =>
    Array.from({ length: count }, (_, n) => `d${seed}${RUN}${label}-${kind}${n}`);
  const context: ScriptContext = { random, topics: names('t', 3), groups: names('g', 2), now };
  const [first, second] = context.topics as [string, string];
  const begin = [admin.createTopic(first, 1)(context), admin.createTopic(second, 2)(context)];
  const rest = Array.from({ length: STEPS_PER_SCRIPT }, () => random.pick(LOTS)(context));
  return { steps: [...begin, ...rest].flat(), topics: context.topics };
}
