/**
 * Every broker config: those that give topics their defaults (taken from the topic table), and the broker's own. Read by
 * DescribeConfigs, AlterConfigs, the process's start and whoever follows a config.
 * Invariant: a topic config's synonym has the same type, range (but for `WITHOUT_LEAST`) and default as the topic config;
 * where it is one of a family, the default is another member's.
 */
import { BROKER_OWN_CONFIGS } from './broker-own-configs.ts';
import { CLUSTER_CONFIGS } from './cluster-configs.ts';
import { type ConfigDefinition, type ConfigFamily, type ConfigTable, configTable } from './definition.ts';
import { GROUP_COORDINATOR_CONFIGS } from './group-coordinator-configs.ts';
import { GROUP_PROTOCOL_CONFIGS } from './group-protocol-configs.ts';
import { LIFECYCLE_CONFIGS } from './lifecycle-configs.ts';
import { QUORUM_CONFIGS } from './quorum-configs.ts';
import { REPLICATION_CONFIGS } from './replication-configs.ts';
import { TOPIC_CONFIGS } from './topic-configs.ts';
import { UNUSED_CONFIGS } from './unused-configs.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

const RETENTION: ConfigFamily = [
  { name: 'log.retention.ms', factor: 1 },
  { name: 'log.retention.minutes', factor: MINUTE_MS },
  { name: 'log.retention.hours', factor: HOUR_MS },
];
const ROLL: ConfigFamily = [
  { name: 'log.roll.ms', factor: 1 },
  { name: 'log.roll.hours', factor: HOUR_MS },
];
const ROLL_JITTER: ConfigFamily = [
  { name: 'log.roll.jitter.ms', factor: 1 },
  { name: 'log.roll.jitter.hours', factor: HOUR_MS },
];
const FLUSH: ConfigFamily = [
  { name: 'log.flush.interval.ms', factor: 1 },
  { name: 'log.flush.scheduler.interval.ms', factor: 1 },
];

const FAMILIES: ReadonlyMap<string, ConfigFamily> = new Map(
  [RETENTION, ROLL, ROLL_JITTER, FLUSH].flatMap((family) => family.map(({ name }) => [name, family] as const)),
);

/** Where a topic's least value does not bind the broker's: below −1 is without limit, too. */
const WITHOUT_LEAST: ReadonlySet<string> = new Set(['log.retention.ms']);

const topicDefaults: ConfigDefinition[] = [...TOPIC_CONFIGS.values()].flatMap(({ synonym, ...config }) => {
  if (synonym === undefined) return [];
  const family = FAMILIES.get(synonym);
  const { min, ...rest } = config;
  const range = min === undefined || WITHOUT_LEAST.has(synonym) ? {} : { min };
  return [{ ...rest, ...range, name: synonym, dynamic: true, ...(family && { family, default: null }) }];
});

const otherMembers: ConfigDefinition[] = [
  {
    name: 'log.retention.minutes',
    type: 'int',
    default: null,
    family: RETENTION,
    documentation: 'As log.retention.ms, in minutes; counts where that is not set.',
  },
  {
    name: 'log.retention.hours',
    type: 'int',
    default: '168',
    family: RETENTION,
    documentation: 'As log.retention.ms, in hours; counts where neither that nor log.retention.minutes is set.',
  },
  {
    name: 'log.roll.hours',
    type: 'int',
    default: '168',
    min: 1,
    family: ROLL,
    documentation: 'As log.roll.ms, in hours; counts where that is not set.',
  },
  {
    name: 'log.roll.jitter.hours',
    type: 'int',
    default: '0',
    min: 0,
    family: ROLL_JITTER,
    documentation: 'As log.roll.jitter.ms, in hours; counts where that is not set.',
  },
  {
    name: 'log.flush.scheduler.interval.ms',
    type: 'long',
    default: '9223372036854775807',
    family: FLUSH,
    documentation: 'No effect, like log.flush.interval.ms, for which it stands where that is not set.',
  },
];

export const BROKER_CONFIGS: ConfigTable = configTable([
  ...topicDefaults,
  ...otherMembers,
  ...BROKER_OWN_CONFIGS,
  ...CLUSTER_CONFIGS,
  ...GROUP_COORDINATOR_CONFIGS,
  ...GROUP_PROTOCOL_CONFIGS,
  ...LIFECYCLE_CONFIGS,
  ...QUORUM_CONFIGS,
  ...REPLICATION_CONFIGS,
  ...UNUSED_CONFIGS,
]);
