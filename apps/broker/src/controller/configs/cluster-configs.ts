/**
 * Broker configs that the active controller follows: how long it waits for a broker to be heard of, and when it moves
 * leaders by itself. Apache Kafka's names, ranges and defaults. Part of the table in `broker-configs.ts`.
 */
import type { ConfigDefinition } from './definition.ts';

export const CLUSTER_CONFIGS: readonly ConfigDefinition[] = [
  {
    name: 'auto.leader.rebalance.enable',
    type: 'boolean',
    default: 'true',
    documentation: 'Whether preferred replicas that are in sync again are made leaders from time to time.',
  },
  {
    name: 'broker.session.timeout.ms',
    type: 'int',
    default: '9000',
    documentation: 'A broker of which the active controller has heard nothing for so long is fenced: others lead.',
  },
  {
    name: 'leader.imbalance.check.interval.seconds',
    type: 'long',
    default: '300',
    min: 1,
    documentation: 'How often the active controller looks for brokers that lead too little.',
  },
  {
    name: 'leader.imbalance.per.broker.percentage',
    type: 'int',
    default: '10',
    unlisted: true,
    documentation:
      'A broker leads too little when more than so many percent of the partitions that prefer it have another leader.',
  },
  {
    name: 'unclean.leader.election.interval.ms',
    type: 'long',
    default: '300000',
    unlisted: true,
    min: 1,
    documentation: 'How often partitions without a leader are looked for whose topics allow an unclean election.',
  },
];
