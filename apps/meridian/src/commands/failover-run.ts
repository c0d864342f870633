/**
 * What `failover` and `failback` ask of the mirror in the same way: the plan, and the run as it goes: each topic's step as
 * it is begun, and what it waits for. The mirror carries it on, whether or not somebody looks. Invariant: exit code 0 only if all of it is done.
 */
import type { Io } from '@meridian/io';
import { CliError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { findPlatform, findRegion, type PlatformOptions } from '../platform.ts';
import type { Terminal } from '../terminal.ts';
import { askEachMirror, askMirror } from './mirror-api.ts';

export interface FailoverOptions extends PlatformOptions {
  /** The region that takes over, or that gets its work back. */
  to: string;
  /** Only what was born there; of a fail-back, only what is written there now. */
  from?: string;
  /** `run`: although the origin is alive and written to, and without waiting for what is not copied. */
  force?: boolean;
  json?: boolean;
}

/** Which route is asked. */
export type Taking = 'failover' | 'failback';

export function askPlan<T>(io: Io, taking: Taking, name: string, { from, ...options }: FailoverOptions): Promise<T> {
  const query = new URLSearchParams({ name, ...(from !== undefined && { from }) });
  const request = { path: `/v1/${taking}?${query}`, timeoutMs: LIMITS.failoverTimeoutMs };
  return askMirror<T>(io, options, options.to, request);
}

/** Begins it, or goes on with the one that was begun, and looks on until it is done. */
export async function carryOut(
  io: Io,
  terminal: Terminal,
  taking: Taking,
  name: string,
  options: FailoverOptions,
): Promise<void> {
  const { to, from, force = false } = options;
  const body = { name, force, ...(from !== undefined && { from }) };
  const request = { method: 'POST', path: `/v1/${taking}`, body, timeoutMs: LIMITS.failoverTimeoutMs } as const;
  await followRun(io, terminal, await askMirror<FailoverRun>(io, options, to, request), options);
}

/** Of POST /v1/failover and /v1/failback. */
interface FailoverRun {
  id: string;
  kind: string;
  to: string;
  state: 'running' | 'waiting' | 'done';
  topics: {
    topic: string;
    from: string;
    step: string;
    detail: string | null;
    reason: string | null;
    aside: { topic: string; records: number } | null;
  }[];
}

async function followRun(io: Io, terminal: Terminal, begun: FailoverRun, options: FailoverOptions): Promise<void> {
  const told = new Set<string>();
  const deadlineMs = io.clock.monotonic() + LIMITS.failoverWaitMs;
  let run = begun;
  for (;;) {
    if (!options.json) for (const line of newLines(run, told)) terminal.say(line);
    if (run.state === 'done' || io.clock.monotonic() > deadlineMs) break;
    await io.timers.sleep(LIMITS.failoverPollMs);
    run = await askRun(io, options, run);
  }
  terminal.data(options.json ? JSON.stringify(run) : `${run.id} ${run.state}`);
  if (run.state !== 'done') throw new CliError('not-done', `${run.id} is not done; the mirror of ${run.to} goes on.`);
}

/** What waits is told by the mirror that does the work. */
async function askRun(io: Io, options: PlatformOptions, known: FailoverRun): Promise<FailoverRun> {
  const region = findRegion(findPlatform(io, options), known.to);
  const request = { path: '/v1/failover/runs' };
  const { answers } = await askEachMirror<{ runs: FailoverRun[] }>(io, options, region, request);
  const runs = answers.flatMap((answer) => answer.runs.filter(({ id }) => id === known.id));
  return (
    runs.find(({ state }) => state === 'done') ?? runs.find(({ state }) => state === 'waiting') ?? runs[0] ?? known
  );
}

function newLines({ topics }: FailoverRun, told: Set<string>): string[] {
  const lines = topics.flatMap(({ topic, from, step, detail, reason, aside }) => [
    `${topic} (${from}): ${step}${detail === null ? '' : `: ${detail}`}`,
    ...(reason === null ? [] : [`${topic} (${from}): waits: ${reason}`]),
    ...(aside === null ? [] : [`${topic} (${from}): ${aside.records} records lie in ${aside.topic}`]),
  ]);
  return lines.filter((line) => !told.has(line) && told.add(line));
}
