/**
 * `meridian failover plan|run <topic|tenant|region> --to REGION`: what a region's taking over costs, and doing it. The
 * mirror of that region plans and carries out; it goes on when this command ends.
 * Invariant: `plan` changes nothing; it exits with 1 if records are known to be missing, or nobody knows.
 */
import type { Io } from '@meridian/io';
import { CliError } from '../errors.ts';
import { alignColumns, type Terminal } from '../terminal.ts';
import { askPlan, carryOut, type FailoverOptions } from './failover-run.ts';

/** Of GET /v1/failover. A number is null where nobody knows it. */
export interface FailoverPlan {
  scope: { kind: string; name: string };
  to: string;
  origins: { region: string; isReachable: boolean; heardMs: number | null }[];
  topics: PlannedTopic[];
  groups: PlannedGroup[];
  loses: number;
  unknown: number;
  refusal: string | null;
  steps: string[];
}

interface PlannedTopic {
  topic: string;
  copy: string;
  from: string;
  action: string;
  partitions: {
    partition: number;
    copyEnd: number | null;
    sourceEnd: number | null;
    heardMs: number | null;
    notCopied: number | null;
    oldestMs: number | null;
    writers: Writer[] | null;
  }[];
}

export interface Writer {
  /** −1: it has none. */
  producerId: number;
  agoMs: number;
}

interface PlannedGroup {
  group: string;
  state: string;
  copy: string;
  partition: number;
  sourceOffset: number | null;
  targetOffset: number | null;
  rereads: number | null;
}

export async function showFailoverPlan(
  io: Io,
  terminal: Terminal,
  name: string,
  options: FailoverOptions,
): Promise<void> {
  const plan = await askPlan<FailoverPlan>(io, 'failover', name, options);
  if (options.json) terminal.data(JSON.stringify(plan));
  else for (const line of planLines(plan)) terminal.data(line);
  if (plan.loses > 0 || plan.unknown > 0) throw new CliError('plan-loses', lossOf(plan));
}

export async function runFailover(io: Io, terminal: Terminal, name: string, options: FailoverOptions): Promise<void> {
  const plan = await askPlan<FailoverPlan>(io, 'failover', name, options);
  if (!options.json) for (const line of planLines(plan)) terminal.say(line);
  await carryOut(io, terminal, 'failover', name, options);
}

const lossOf = ({ loses, unknown }: Pick<FailoverPlan, 'loses' | 'unknown'>): string =>
  [
    ...(loses > 0 ? [`${loses} records are not copied.`] : []),
    ...(unknown > 0 ? [`Of ${unknown} partitions nobody knows what is missing.`] : []),
  ].join(' ');

export function planLines(plan: FailoverPlan): string[] {
  const { topics, groups, origins, refusal, steps } = plan;
  const rows = topics.flatMap(({ copy, from, action, partitions }) =>
    partitions.map(({ partition, copyEnd, sourceEnd, heardMs, notCopied, oldestMs }) => [
      ...[from, `${copy}-${partition}`, action, numberText(copyEnd), numberText(sourceEnd), secondsText(heardMs)],
      ...[numberText(notCopied), secondsText(oldestMs)],
    ]),
  );
  const head = ['FROM', 'PARTITION', 'ACTION', 'COPY END', 'ORIGIN END', 'HEARD', 'NOT COPIED', 'OLDEST'];
  const groupRows = groups.map(({ group, state, copy, partition, sourceOffset, targetOffset, rereads }) => [
    ...[group, state, `${copy}-${partition}`, numberText(sourceOffset), numberText(targetOffset), numberText(rereads)],
  ]);
  const groupHead = ['GROUP', 'STATE', 'PARTITION', 'AT ORIGIN', 'HERE', 'READS AGAIN'];
  const writers = topics.flatMap((topic) => writersOf(topic));
  return [
    ...origins.map(
      ({ region, isReachable, heardMs }) =>
        `${region} ${isReachable ? 'answers' : `does not answer, last heard of ${secondsText(heardMs)} ago`}`,
    ),
    '',
    ...alignColumns([head, ...rows]),
    ...(groupRows.length === 0 ? [] : ['', ...alignColumns([groupHead, ...groupRows])]),
    ...(writers.length === 0 ? [] : ['', 'Must stop:', ...writers]),
    '',
    ...steps.map((step, at) => `${at + 1}. ${step}`),
    ...(refusal === null ? [] : ['', `run refuses without --force: ${refusal}`]),
  ];
}

function writersOf({ topic, from, partitions }: PlannedTopic): string[] {
  return partitions.flatMap(({ partition, writers }) => writerLines(writers, `${topic}-${partition} in ${from}`));
}

/** Those of one partition. */
export const writerLines = (writers: readonly Writer[] | null, place: string): string[] =>
  (writers ?? []).map(({ producerId, agoMs }) => {
    if (producerId < 0) return `  somebody without a producer id of ${place}, now`;
    return `  producer ${producerId} of ${place}, ${secondsText(agoMs)} ago`;
  });

export const numberText = (value: number | null): string => (value === null ? 'unknown' : String(value));
export const secondsText = (valueMs: number | null): string =>
  valueMs === null ? 'unknown' : `${(valueMs / 1000).toFixed(1)} s`;
