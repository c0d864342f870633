/**
 * The broker configs behind the configs of groups: defaults, and the bounds that a group's own value has to keep. Apache
 * Kafka's names, ranges and defaults. Part of the table in `broker-configs.ts`; read with `group-configs.ts`.
 * Invariant: the groups that they are for (consumer, share and streams groups of the newer protocols) are not served yet,
 * so what they steer is what may be set on a group, and what is shown of it.
 */
import type { ConfigDefinition } from './definition.ts';

type Row = readonly [suffix: string, fallback: number, min: number, max: number | undefined, documentation: string];

const SESSION = 'session timeout of members';
const HEARTBEAT = 'interval between heartbeats of members';
const ASSIGNMENT = 'interval between assignments of a group';

/** A default with the bounds that a group's own value has to keep. */
function bounded(
  what: string,
  suffix: string,
  [value, low, high]: readonly [number, number, number],
  min: number,
): Row[] {
  return [
    [suffix, value, min, undefined, `The ${what}, where the group says nothing.`],
    [`min.${suffix}`, low, min, undefined, `The least ${what} that a group may have.`],
    [`max.${suffix}`, high, min, undefined, `The greatest ${what} that a group may have.`],
  ];
}

const TIMES: readonly Row[] = [
  ...bounded(SESSION, 'session.timeout.ms', [45_000, 45_000, 60_000], 1),
  ...bounded(HEARTBEAT, 'heartbeat.interval.ms', [5_000, 5_000, 15_000], 1),
  ...bounded(ASSIGNMENT, 'assignment.interval.ms', [1_000, 0, 15_000], 0),
];

const LIMIT = 'number of times that a record is delivered';
const LOCKS = 'number of records of a partition that are locked at a time';
const LOCK_TIME = 'time that a record is locked for its consumer';

const SHARE: readonly Row[] = [
  ['delivery.count.limit', 5, 2, 10, `The ${LIMIT}, where the group says nothing.`],
  ['min.delivery.count.limit', 2, 2, 5, `The least ${LIMIT} that a group may have.`],
  ['max.delivery.count.limit', 10, 5, 25, `The greatest ${LIMIT} that a group may have.`],
  ['partition.max.record.locks', 2_000, 100, 10_000, `The ${LOCKS}, where the group says nothing.`],
  ['min.partition.max.record.locks', 100, 100, 2_000, `The least ${LOCKS} that a group may have.`],
  ['max.partition.max.record.locks', 4_000, 2_000, 10_000, `The greatest ${LOCKS} that a group may have.`],
  ['record.lock.duration.ms', 30_000, 1_000, 3_600_000, `The ${LOCK_TIME}, where the group says nothing.`],
  ['min.record.lock.duration.ms', 15_000, 1_000, 30_000, `The least ${LOCK_TIME} that a group may have.`],
  ['max.record.lock.duration.ms', 60_000, 30_000, 3_600_000, `The greatest ${LOCK_TIME} that a group may have.`],
];

const STREAMS: readonly Row[] = [
  [
    'initial.rebalance.delay.ms',
    3_000,
    0,
    undefined,
    'How long the first rebalance of a group waits for more members.',
  ],
  ['num.standby.replicas', 0, 0, undefined, 'The standby replicas of each task, where the group says nothing.'],
  ['max.standby.replicas', 2, 0, undefined, 'The most standby replicas that a group may have.'],
];

function rowsOf(kind: string, rows: readonly Row[]): ConfigDefinition[] {
  return rows.map(([suffix, value, min, max, documentation]) => ({
    name: `group.${kind}.${suffix}`,
    type: 'int',
    default: String(value),
    min,
    ...(max !== undefined && { max }),
    ...(suffix === 'assignment.interval.ms' && { dynamic: true }),
    documentation,
  }));
}

export const GROUP_PROTOCOL_CONFIGS: readonly ConfigDefinition[] = [
  ...rowsOf('consumer', TIMES),
  ...rowsOf('share', [...TIMES, ...SHARE]),
  ...rowsOf('streams', [...TIMES, ...STREAMS]),
];
