/**
 * Broker configs of Apache Kafka that can be changed while it runs and that tools and operators do set, but that steer
 * nothing here: pools of threads and buffers that this broker does not have. Part of the table in `broker-configs.ts`.
 * Invariant: each says so in its documentation.
 */
import type { ConfigDefinition } from './definition.ts';

const NO_POOL = 'No effect: this broker has no such pool of threads.';
const NO_BUFFER = 'No effect: the cleaner reads in pieces of one size.';

export const UNUSED_CONFIGS: readonly ConfigDefinition[] = [
  { name: 'background.threads', type: 'int', default: '10', min: 1, dynamic: true, documentation: NO_POOL },
  {
    name: 'log.cleaner.io.buffer.size',
    type: 'int',
    default: '524288',
    min: 0,
    dynamic: true,
    documentation: NO_BUFFER,
  },
  { name: 'log.cleaner.threads', type: 'int', default: '1', min: 1, dynamic: true, documentation: NO_POOL },
  { name: 'num.io.threads', type: 'int', default: '8', min: 1, dynamic: true, documentation: NO_POOL },
  { name: 'num.network.threads', type: 'int', default: '3', min: 1, dynamic: true, documentation: NO_POOL },
  {
    name: 'num.recovery.threads.per.data.dir',
    type: 'int',
    default: '2',
    min: 1,
    dynamic: true,
    documentation: NO_POOL,
  },
  { name: 'num.replica.fetchers', type: 'int', default: '1', dynamic: true, documentation: NO_POOL },
];
