/**
 * The broker configs of its own life in the cluster: registration, heartbeats and the orderly stop. Apache Kafka's names
 * and defaults. Part of the table in `broker-configs.ts`; read once, at the start.
 */
import type { ConfigDefinition } from './definition.ts';

export const LIFECYCLE_CONFIGS: readonly ConfigDefinition[] = [
  {
    name: 'broker.heartbeat.interval.ms',
    type: 'int',
    default: '2000',
    documentation: 'How often a broker lets the active controller hear of it.',
  },
  {
    name: 'controlled.shutdown.enable',
    type: 'boolean',
    default: 'true',
    documentation: 'Whether a broker that stops waits until others lead what it leads; at most 5 seconds.',
  },
  {
    name: 'initial.broker.registration.timeout.ms',
    type: 'int',
    default: '60000',
    documentation: 'A broker that starts gives up when it could not register within this time.',
  },
];
