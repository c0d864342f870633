/**
 * The configs that a group may have of its own (resource type GROUP): Apache Kafka's names, types, ranges and defaults.
 * Read by the config APIs and by the decision that alters configs. They are for groups of the newer protocols; a group
 * need not exist to have configs.
 * Invariant: a config with a broker config behind it (its synonym) has that one's type and default.
 */
import { type ConfigDefinition, type ConfigTable, configTable } from './definition.ts';
import { GROUP_PROTOCOL_CONFIGS } from './group-protocol-configs.ts';

const BROKER_PREFIX = 'group.';

/** Those that a group's own value takes the place of; the range is the type's, the broker's bounds come on top. */
const WITH_SYNONYM: Readonly<Record<string, { readonly min: number; readonly documentation: string }>> = {
  'consumer.session.timeout.ms': { min: 1, documentation: 'A consumer that is silent for so long has left the group.' },
  'consumer.heartbeat.interval.ms': { min: 1, documentation: 'How often consumers of the group send heartbeats.' },
  'consumer.assignment.interval.ms': {
    min: 0,
    documentation: 'Least time between two assignments of a consumer group.',
  },
  'share.session.timeout.ms': {
    min: 1,
    documentation: 'A member that is silent for so long has left the share group.',
  },
  'share.heartbeat.interval.ms': { min: 1, documentation: 'How often members of the share group send heartbeats.' },
  'share.assignment.interval.ms': { min: 0, documentation: 'Least time between two assignments of a share group.' },
  'share.delivery.count.limit': { min: 2, documentation: 'How often a record is delivered to a share group at most.' },
  'share.partition.max.record.locks': {
    min: 100,
    documentation: 'Records of a partition that the group locks at a time.',
  },
  'share.record.lock.duration.ms': { min: 1_000, documentation: 'How long a record is locked for its consumer.' },
  'streams.session.timeout.ms': {
    min: 1,
    documentation: 'A member that is silent for so long has left the streams group.',
  },
  'streams.heartbeat.interval.ms': { min: 1, documentation: 'How often members of the streams group send heartbeats.' },
  'streams.assignment.interval.ms': { min: 0, documentation: 'Least time between two assignments of a streams group.' },
  'streams.initial.rebalance.delay.ms': {
    min: 0,
    documentation: 'How long a new streams group waits for more members.',
  },
  'streams.num.standby.replicas': { min: 0, documentation: 'Standby replicas of each task of the streams group.' },
};

function withSynonym(): ConfigDefinition[] {
  const brokerConfigs = new Map(GROUP_PROTOCOL_CONFIGS.map((config) => [config.name, config]));
  return Object.entries(WITH_SYNONYM).map(([name, { min, documentation }]) => {
    const { type, default: value } = brokerConfigs.get(`${BROKER_PREFIX}${name}`)!;
    return { name, type, default: value, min, synonym: `${BROKER_PREFIX}${name}`, documentation };
  });
}

export const GROUP_CONFIGS: ConfigTable = configTable([
  ...withSynonym(),
  {
    name: 'share.auto.offset.reset',
    type: 'string',
    default: 'latest',
    form: 'offset-reset',
    documentation:
      'Where a share group begins to read a partition: latest, earliest, or by_duration: and an ISO 8601 duration back from now.',
  },
  {
    name: 'share.isolation.level',
    type: 'string',
    default: 'read_uncommitted',
    oneOf: ['read_committed', 'read_uncommitted'],
    documentation: 'Whether a share group is given records of transactions that were aborted or are open.',
  },
  {
    name: 'share.renew.acknowledge.enable',
    type: 'boolean',
    default: 'true',
    documentation: 'Whether consumers of a share group may renew the lock of a record.',
  },
]);

/** The broker configs that bound a group's value, in the order in which they are checked. */
export function groupConfigBounds(name: string): { readonly min?: string; readonly max?: string } {
  if (name === 'streams.num.standby.replicas') return { max: 'group.streams.max.standby.replicas' };
  const [kind, ...rest] = name.split('.');
  const suffix = rest.join('.');
  const min = `group.${kind}.min.${suffix}`;
  const exists = GROUP_PROTOCOL_CONFIGS.some((config) => config.name === min);
  return exists ? { min, max: `group.${kind}.max.${suffix}` } : {};
}
