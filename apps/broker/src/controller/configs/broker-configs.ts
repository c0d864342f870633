/**
 * Every broker config that can be described: those that give topics their defaults (taken from the topic table), and
 * the broker's own. Read by DescribeConfigs and AlterConfigs.
 * Invariant: a topic config's synonym has the same type, range and default as the topic config.
 */
import { type ConfigDefinition, type ConfigTable, configTable } from './definition.ts';
import { TOPIC_CONFIGS } from './topic-configs.ts';

const topicDefaults: ConfigDefinition[] = [...TOPIC_CONFIGS.values()].flatMap(({ synonym, ...config }) =>
  synonym === undefined ? [] : [{ ...config, name: synonym, dynamic: true }],
);

export const BROKER_CONFIGS: ConfigTable = configTable([
  ...topicDefaults,
  {
    name: 'advertised.listeners',
    type: 'string',
    default: null,
    documentation: 'The addresses that clients are told to connect to.',
  },
  {
    name: 'auto.create.topics.enable',
    type: 'boolean',
    default: 'true',
    documentation: 'Whether asking for a topic that does not exist creates it.',
  },
  { name: 'broker.rack', type: 'string', default: null, documentation: 'The rack that the broker stands in.' },
  {
    name: 'default.replication.factor',
    type: 'int',
    default: '1',
    min: 1,
    documentation: 'Replicas of a topic that is created without saying how many.',
  },
  {
    name: 'delete.topic.enable',
    type: 'boolean',
    default: 'true',
    documentation: 'Whether topics may be deleted.',
  },
  { name: 'listeners', type: 'string', default: null, documentation: 'The addresses that the broker listens on.' },
  { name: 'log.dirs', type: 'list', default: null, documentation: 'The data folder.' },
  { name: 'node.id', type: 'int', default: null, min: 0, documentation: 'This broker’s id in its cluster.' },
  {
    name: 'num.partitions',
    type: 'int',
    default: '1',
    min: 1,
    documentation: 'Partitions of a topic that is created without saying how many.',
  },
  {
    name: 'socket.request.max.bytes',
    type: 'int',
    default: '104857600',
    min: 1,
    documentation: 'The largest request that is accepted.',
  },
]);
