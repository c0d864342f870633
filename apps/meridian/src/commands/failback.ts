/**
 * `meridian failback plan|run <topic|tenant|region> --to REGION`: brings what another region took over back to where it
 * was born. What only the returned region has is kept aside in a topic of its own.
 * Invariant: `plan` changes nothing; it exits with 1 if something has to be kept aside, or nobody knows.
 */
import type { Io } from '@meridian/io';
import { CliError } from '../errors.ts';
import { alignColumns, type Terminal } from '../terminal.ts';
import { numberText, type Writer, writerLines } from './failover.ts';
import { askPlan, carryOut, type FailoverOptions } from './failover-run.ts';

/** Of GET /v1/failback. */
export interface FailbackPlan {
  scope: { kind: string; name: string };
  to: string;
  topics: {
    topic: string;
    from: string;
    asideTopic: string;
    partitions: {
      partition: number;
      cut: number;
      localEnd: number | null;
      promotedEnd: number | null;
      aside: number | null;
      writers: Writer[] | null;
      writersThere: Writer[] | null;
    }[];
  }[];
  aside: number;
  refusal: string | null;
  steps: string[];
}

export async function showFailbackPlan(
  io: Io,
  terminal: Terminal,
  name: string,
  options: FailoverOptions,
): Promise<void> {
  const plan = await askPlan<FailbackPlan>(io, 'failback', name, options);
  if (options.json) terminal.data(JSON.stringify(plan));
  else for (const line of failbackLines(plan)) terminal.data(line);
  const unknown = plan.topics.flatMap(({ partitions }) => partitions).filter(({ aside }) => aside === null).length;
  if (plan.aside > 0)
    throw new CliError('plan-loses', `${plan.aside} records that only ${plan.to} has are kept aside.`);
  if (unknown > 0)
    throw new CliError('plan-loses', `Of ${unknown} partitions nobody knows what is only in ${plan.to}.`);
}

export async function runFailback(io: Io, terminal: Terminal, name: string, options: FailoverOptions): Promise<void> {
  const plan = await askPlan<FailbackPlan>(io, 'failback', name, options);
  if (!options.json) for (const line of failbackLines(plan)) terminal.say(line);
  await carryOut(io, terminal, 'failback', name, options);
}

export function failbackLines({ topics, refusal, steps, to }: FailbackPlan): string[] {
  const rows = topics.flatMap(({ topic, from, asideTopic, partitions }) =>
    partitions.map(({ partition, cut, localEnd, promotedEnd, aside }) => [
      ...[from, `${topic}-${partition}`, String(cut), numberText(localEnd), numberText(promotedEnd)],
      ...[numberText(aside), aside === 0 ? '-' : asideTopic],
    ]),
  );
  const writers = topics.flatMap(({ topic, from, partitions }) =>
    partitions.flatMap((each) => [
      ...writerLines(each.writers, `${topic}-${each.partition} in ${to}`),
      ...writerLines(each.writersThere, `${topic}-${each.partition} in ${from}`),
    ]),
  );
  const head = ['FROM', 'PARTITION', 'SAME UP TO', `END IN ${to.toUpperCase()}`, 'END THERE', 'ONLY HERE', 'KEPT IN'];
  return [
    ...alignColumns([head, ...rows]),
    ...(writers.length === 0 ? [] : ['', 'Must stop, or be refused by --force:', ...writers]),
    '',
    ...steps.map((step, at) => `${at + 1}. ${step}`),
    ...(refusal === null ? [] : ['', `run refuses without --force: ${refusal}`]),
  ];
}
